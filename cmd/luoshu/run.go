package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"luoshu/cache"
	"luoshu/catalog"
)

// The exit codes, as --help states them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3 // nothing published: the content or a brake forbids it
	exitUnavailable = 4 // a store cannot be reached
	exitInterrupted = 130
)

// environment is everything of the outside world that a command may touch.
type environment struct {
	args           []string
	lookup         func(string) (string, bool)
	stdin          io.Reader
	stdout, stderr io.Writer
}

// terminal reports whether w is a screen a person looks at.
func (environment) terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// language is what messages are written in: --lang, else the locale, else English.
func (e environment) language(flag string) string {
	if flag == "zh" || flag == "en" {
		return flag
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, _ := e.lookup(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// dataFolder is where this user's programs keep data.
func (e environment) dataFolder() string {
	if v, _ := e.lookup("XDG_DATA_HOME"); v != "" && runtime.GOOS != "windows" {
		return filepath.Join(v, "luoshu")
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		if dir, err := os.UserConfigDir(); err == nil {
			return filepath.Join(dir, "luoshu")
		}
	}
	if home, _ := e.lookup("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "luoshu")
	}
	return filepath.Join(os.TempDir(), "luoshu")
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, env environment) int {
	root := newRoot(env)
	root.SetArgs(env.args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	flag, _ := root.PersistentFlags().GetString("lang")
	_, _ = fmt.Fprintf(env.stderr, "luoshu: %s\n", catalog.ErrorText(err, env.language(flag)))
	return exitCode(ctx, err)
}

func exitCode(ctx context.Context, err error) int {
	switch {
	case errors.Is(err, errUsage):
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, catalog.ErrNoRelease):
		return exitUnavailable
	case errors.Is(err, catalog.ErrInvalid), errors.Is(err, catalog.ErrWithdrawn):
		return exitRefused
	}
	return exitFailed
}

const longHelp = `Luoshu publishes catalogs of research achievements and shows them: on
touchscreens, on phones and through an open-data API.

洛书发布科技成果目录，并在触摸屏、手机和开放数据接口上展示。

  luoshu serve                                  show the built-in demonstration
  luoshu demo --to redis://localhost:6379/0     put the demonstration into Redis
  luoshu serve --source redis://localhost:6379/0
  luoshu check  catalog.csv --dataset achievements --publisher my-market
  luoshu publish catalog.csv --to redis://localhost:6379/1 --dataset achievements \
      --publisher my-market --reviewed-by "Zhang" --reviewed-on 2026-11-20

A STORE is redis://HOST:PORT/DB, redis-sentinel://…?master=NAME, redis-cluster://…,
dir:PATH, FILE.luoshu, or (to read from) https://HUB.

Every flag can also be given as a variable: --data-dir as LUOSHU_DATA_DIR.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 nothing published, the content or
a brake forbids it; 4 a store cannot be reached or holds no release; 130 interrupted.`

// common are the flags every command has.
type common struct {
	lang    string
	json    bool
	dataDir string
}

func newRoot(env environment) *cobra.Command {
	c := &common{}
	root := &cobra.Command{
		Use: "luoshu", Short: "Public catalogs of research achievements: publish, show, share",
		Long: longHelp, SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usage("没有命令“%s”；是否指“%s”？", "there is no command %q; did you mean %q?", args[0], near[0])
			}
			return usage("没有命令“%s”；luoshu --help 列出全部命令", "there is no command %q; luoshu --help lists them", args[0])
		},
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromVariables(cmd.Flags(), env.lookup); err != nil {
				return err
			}
			if c.lang != "" && c.lang != "zh" && c.lang != "en" {
				return usage("--lang 是 zh 或 en", "--lang is zh or en")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%v\n%s", "%v\n%s", err, cmd.UsageString())
	})
	f := root.PersistentFlags()
	f.StringVar(&c.lang, "lang", "", "language of messages, zh or en (default: the locale's)")
	f.BoolVar(&c.json, "json", false, "print the result as JSON, for programs")
	f.StringVar(&c.dataDir, "data-dir", env.dataFolder(), "where releases and the audit record are kept on this machine")
	root.AddCommand(
		newServe(env, c), newPublish(env, c), newCheck(env, c), newScreen(env, c), newTemplate(env, c), newPrint(env, c), newDemo(env, c), newSync(env, c),
		newReleases(env, c), newRollback(env, c), newExport(env, c), newGC(env, c), newStats(env, c), newPurge(env, c), newKeygen(env, c), newTrust(env, c), newHealth(env, c), newDoctor(env, c), newKey(env, c), newFleet(env, c), newVersion(env, c),
	)
	return root
}

// variable is the name under which flag may be set in the environment.
func variable(flag string) string {
	return "LUOSHU_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromVariables sets every flag that the command line leaves out and the
// environment has.
func fromVariables(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if v, ok := lookup(variable(f.Name)); ok && v != "" && !f.Changed {
			if err := flags.Set(f.Name, v); err != nil {
				errs = append(errs, usage("%s：%v", "%s: %v", variable(f.Name), err))
			}
		}
	})
	return errors.Join(errs...)
}

// arguments refuses a wrong number of arguments as wrong usage.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || (most >= 0 && len(args) > most) {
			return usage("%s：参数的数目不对\n%[3]s", "%s: give %s\n%s", cmd.Name(), what, cmd.UsageString())
		}
		return nil
	}
}

// openSource opens a store to read from.
func openSource(ctx context.Context, spec, flag string) (cache.Store, error) {
	if err := checkSpec(spec, flag); err != nil {
		return nil, err
	}
	store, err := cache.Open(ctx, spec)
	return store, wrongSpec(err)
}

// openTarget opens a store to write to.
func openTarget(ctx context.Context, spec, flag string) (cache.Writer, error) {
	if err := checkSpec(spec, flag); err != nil {
		return nil, err
	}
	store, err := cache.OpenWriter(ctx, spec)
	return store, wrongSpec(err)
}

func checkSpec(spec, flag string) error {
	if spec == "" {
		return usage("缺少 --%s：请给出存储，如 redis://localhost:6379/0、dir:路径 或 文件.luoshu", "--%s is missing: give a store such as redis://localhost:6379/0, dir:PATH or FILE.luoshu", flag)
	}
	return nil
}

// wrongSpec makes a store of no known form a fault of the call.
func wrongSpec(err error) error {
	if errors.Is(err, catalog.ErrInvalid) {
		return asUsage(err)
	}
	return err
}

// currentRelease loads what store holds; nil when nothing was published to it.
func currentRelease(ctx context.Context, store cache.Store) (*catalog.Release, error) {
	p, err := store.Current(ctx)
	if errors.Is(err, catalog.ErrNoRelease) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return cache.Load(ctx, store, p)
}
