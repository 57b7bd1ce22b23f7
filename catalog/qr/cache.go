package qr

import "sync"

// mostKept bounds a Cache: at some 5 KB each, its codes take 2.5 MB.
const mostKept = 512

// Cache keeps the codes that were drawn last, so that a page that is asked for again
// costs no drawing. A code depends on nothing but its payload and level, so what was
// kept stays right from release to release. The zero Cache is ready; it is safe for
// concurrent use.
type Cache struct {
	mu   sync.Mutex
	kept map[kept]*Code
}

type kept struct {
	payload string
	level   Level
}

// New is like the function New.
func (c *Cache) New(payload string, level Level) (*Code, error) {
	key := kept{payload, level}
	c.mu.Lock()
	code := c.kept[key]
	c.mu.Unlock()
	if code != nil {
		return code, nil
	}
	code, err := New(payload, level)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[kept]*Code{}
	}
	for other := range c.kept { // in no order: any one makes room
		if len(c.kept) < mostKept {
			break
		}
		delete(c.kept, other)
	}
	c.kept[key] = code
	return code, nil
}
