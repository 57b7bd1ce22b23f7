package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"luoshu/catalog"
)

// release is set by the linker when a version is released; otherwise the build
// information tells.
var release string

// versionInfo says which program this is.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitzero"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Format   int    `json:"release_format"`
	Schema   string `json:"schema"`
}

func readVersion() versionInfo {
	v := versionInfo{
		Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Format: catalog.FormatVersion, Schema: catalog.SchemaVersion,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}

func newVersion(env environment, c *common) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if c.json {
				return printJSON(env.stdout, v)
			}
			printer{w: env.stdout, lang: "en"}.line(catalog.Text{EN: "luoshu %s %s (%s, %s; release format %d, schema %s)"},
				v.Version, v.Revision, v.Go, v.Platform, v.Format, v.Schema)
			return nil
		},
	}
}
