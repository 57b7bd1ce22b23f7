package main

import "golang.org/x/sys/windows"

// diskFree returns what a program may still write beside dir, in bytes; -1 when unknown.
func diskFree(dir string) int64 {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return -1
	}
	return int64(free) //nolint:gosec // no disk has 8 EiB
}
