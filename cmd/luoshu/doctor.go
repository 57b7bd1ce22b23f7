package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
)

// finding is what the doctor says of one thing.
type finding struct {
	Check string `json:"check"`
	// State is ok, warn or fail.
	State  string `json:"state"`
	Detail string `json:"detail"`
	// Advice says what to do; empty when all is well.
	Advice string `json:"advice,omitempty"`
}

const (
	fine   = "ok"
	warn   = "warn"
	broken = "fail"
)

// patient is the node that is looked at.
type patient struct {
	dataDir, panel, terminal  string
	sources                   []string
	trusted, token, serveAddr string
	lang                      string
	now                       func() time.Time
	// look finds a program as exec.LookPath does.
	look     func(string) (string, error)
	fontDirs []string

	local    *cache.Directory
	manifest *catalog.Manifest // the latest that could be read, if any
}

// checks are made in this order: later ones use what earlier ones found.
var checks = []struct {
	name string
	text catalog.Text
	make func(*patient, context.Context) finding
}{
	{"data", catalog.Text{ZH: "数据目录", EN: "data directory"}, (*patient).data},
	{"disk", catalog.Text{ZH: "磁盘", EN: "disk"}, (*patient).disk},
	{"release", catalog.Text{ZH: "本机发布", EN: "release on disk"}, (*patient).release},
	{"source", catalog.Text{ZH: "来源", EN: "source"}, (*patient).following},
	{"keys", catalog.Text{ZH: "密钥", EN: "keys"}, (*patient).keys},
	{"clock", catalog.Text{ZH: "时钟", EN: "clock"}, (*patient).clock},
	{"server", catalog.Text{ZH: "服务", EN: "server"}, (*patient).server},
	{"panel", catalog.Text{ZH: "屏幕", EN: "panel"}, (*patient).screen},
	{"browser", catalog.Text{ZH: "浏览器", EN: "browser"}, (*patient).browser},
	{"fonts", catalog.Text{ZH: "字体", EN: "fonts"}, (*patient).fonts},
}

func newDoctor(env environment, c *common) *cobra.Command {
	p := &patient{now: time.Now, look: exec.LookPath, fontDirs: fontFolders(env)}
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look at this machine and say what is missing, and what to do",
		Long: `Checks the data directory, the disk, the release on it, the source, the clock, the
server, the panel, the browser and the fonts. It changes nothing. Give it the flags,
or the variables, that serve is run with:

  luoshu doctor --source https://HUB --terminal K3
  systemd-run --pipe --wait -p EnvironmentFile=/etc/luoshu/luoshu.env luoshu doctor

It ends with 1 when something is broken, with 0 when there are warnings alone.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.dataDir, p.lang = c.dataDir, env.language(c.lang)
			findings := p.examine(cmd.Context())
			if c.json {
				if err := printJSON(env.stdout, findings); err != nil {
					return err
				}
			} else {
				printer{w: env.stdout, lang: p.lang}.findings(findings)
			}
			if slices.ContainsFunc(findings, func(f finding) bool { return f.State == broken }) {
				return catalog.NewTextError(nil, catalog.Text{ZH: "有需要处理的问题", EN: "something needs repair"})
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&p.sources, "source", nil, "store that the node follows (may be repeated)")
	registerTrusted(f, &p.trusted)
	f.StringVar(&p.terminal, "terminal", "", "name of the terminal")
	f.StringVar(&p.panel, "panel", "", "screen, as inches:WIDTHxHEIGHT")
	f.StringVar(&p.token, "terminal-token-file", "", "file of the terminal's token")
	f.StringVar(&p.serveAddr, "addr", defaultAddr, "address that the server listens on")
	return cmd
}

func (p *patient) examine(ctx context.Context) []finding {
	var all []finding
	for _, c := range checks {
		f := c.make(p, ctx)
		f.Check = c.name
		all = append(all, f)
	}
	return all
}

// say makes a finding in the patient's language.
func (p *patient) say(state string, detail, advice catalog.Text, args ...any) finding {
	return finding{State: state, Detail: fmt.Sprintf(detail.In(p.lang), args...), Advice: advice.In(p.lang)}
}

func (p *patient) data(context.Context) finding {
	advice := catalog.Text{ZH: "建立该目录并交给运行洛书的用户，或用 --data-dir 指定另一个", EN: "make it and give it to the user that runs luoshu, or name another with --data-dir"}
	info, err := os.Stat(p.dataDir)
	if err != nil {
		return p.say(warn, catalog.Text{ZH: "%s：不存在", EN: "%s: not there"}, advice, p.dataDir)
	}
	if !info.IsDir() {
		return p.say(broken, catalog.Text{ZH: "%s：不是目录", EN: "%s: no directory"}, advice, p.dataDir)
	}
	if err := writable(filepath.Join(p.dataDir, "probe")); err != nil {
		return p.say(broken, catalog.Text{ZH: "%s：不可写（%v）", EN: "%s: cannot be written (%v)"}, advice, p.dataDir, err)
	}
	if p.local, err = cache.OpenDirectory(filepath.Join(p.dataDir, "releases")); err != nil {
		return p.say(broken, catalog.Text{ZH: "%s：%v", EN: "%s: %v"}, advice, p.dataDir, err)
	}
	return p.say(fine, catalog.Text{ZH: "%s", EN: "%s"}, catalog.Text{}, p.dataDir)
}

// leastFree is what a terminal with 10,000 records may need beside what it has: a second
// release, its segment and its exports.
const leastFree = 500e6

func (p *patient) disk(context.Context) finding {
	dir := p.dataDir
	for diskFree(dir) < 0 && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	switch free := diskFree(dir); {
	case free < 0:
		return p.say(warn, catalog.Text{ZH: "余量未知", EN: "what is left is unknown"}, catalog.Text{})
	case free < leastFree:
		return p.say(warn, catalog.Text{ZH: "余 %.1f GB", EN: "%.1f GB left"}, catalog.Text{
			ZH: "不足 0.5 GB：当前发布照常展示，新发布可能存不下；清理磁盘",
			EN: "less than 0.5 GB: what is shown stays, a new release may not fit; free some space",
		}, float64(free)/1e9)
	default:
		return p.say(fine, catalog.Text{ZH: "余 %.1f GB", EN: "%.1f GB left"}, catalog.Text{}, float64(free)/1e9)
	}
}

func (p *patient) release(ctx context.Context) finding {
	if p.local == nil {
		return p.say(warn, catalog.Text{ZH: "没有数据目录，无从查看", EN: "not looked at without a data directory"}, catalog.Text{})
	}
	m, err := manifestOf(ctx, p.local)
	switch {
	case errors.Is(err, catalog.ErrNoRelease), errors.Is(err, os.ErrNotExist):
		return p.say(warn, catalog.Text{ZH: "还没有", EN: "none yet"}, catalog.Text{
			ZH: "启动 luoshu serve --source 存储，或 luoshu sync --from 文件.luoshu --to dir:…；没有来源时展示示例目录",
			EN: "run luoshu serve --source STORE, or luoshu sync --from FILE.luoshu; without a source the demonstration is shown",
		})
	case err != nil:
		return p.say(broken, catalog.Text{ZH: "%v", EN: "%v"}, catalog.Text{
			ZH: "有来源时会自动修复；否则 luoshu sync --from 文件.luoshu", EN: "a source mends it by itself; without one, luoshu sync --from FILE.luoshu",
		}, err)
	}
	p.manifest = m
	return p.say(fine, catalog.Text{ZH: "%s 第 %d 号，%s", EN: "%s %d of %s"}, catalog.Text{}, m.Catalog, m.Sequence, m.PublishedAt.Format(time.DateOnly))
}

func manifestOf(ctx context.Context, s cache.Store) (*catalog.Manifest, error) {
	pointer, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	b, err := s.Manifest(ctx, pointer.Manifest)
	if err != nil {
		return nil, err
	}
	return catalog.ParseManifest(b, pointer.Manifest)
}

// following looks at every source. One that answers is enough to follow.
func (p *patient) following(ctx context.Context) finding {
	if len(p.sources) == 0 {
		return p.say(warn, catalog.Text{ZH: "没有配置", EN: "none is configured"}, catalog.Text{
			ZH: "用 --source 或 LUOSHU_SOURCE 指明；单机运行可以没有", EN: "name one with --source or LUOSHU_SOURCE; a machine alone needs none",
		})
	}
	var all []finding
	for _, source := range p.sources {
		all = append(all, p.source(ctx, source))
	}
	worst := slices.MaxFunc(all, func(a, b finding) int { return cmp.Compare(stateRank[a.State], stateRank[b.State]) })
	details := make([]string, len(all))
	for i, f := range all {
		details[i] = f.Detail
		if f.State == fine && worst.State == broken {
			worst.State = warn
		}
	}
	worst.Detail = strings.Join(details, "; ")
	return worst
}

var stateRank = map[string]int{fine: 0, warn: 1, broken: 2}

func (p *patient) source(ctx context.Context, source string) finding {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	advice := catalog.Text{ZH: "检查网络与地址；在此之前照常展示本机已有的发布", EN: "check network and address; until then what is on disk is shown"}
	store, err := openSource(ctx, source, "source")
	if err != nil {
		return p.say(broken, catalog.Text{ZH: "%v", EN: "%v"}, advice, catalog.ErrorText(err, p.lang))
	}
	defer func() { _ = store.Close() }()
	return p.advised(ctx, store, p.followed(ctx, store, advice))
}

// advised adds to what was found of a store how it should be configured.
func (p *patient) advised(ctx context.Context, store cache.Store, f finding) finding {
	all, _ := adviceOn(ctx, store, false) // where it does not answer, that was found
	for _, a := range all {
		f.Detail += "; " + a.Text.In(p.lang)
		if a.Set != "" {
			f.Advice = strings.TrimPrefix(f.Advice+"; redis-cli> "+a.Set, "; ")
		}
		if a.Grave {
			f.State = broken
		} else if f.State == fine {
			f.State = warn
		}
	}
	return f
}

func (p *patient) followed(ctx context.Context, store cache.Store, advice catalog.Text) finding {
	m, err := manifestOf(ctx, store)
	switch {
	case errors.Is(err, catalog.ErrNoRelease):
		return p.say(warn, catalog.Text{ZH: "%s：可以访问，还没有发布", EN: "%s: answers, holds no release yet"}, catalog.Text{ZH: "用 luoshu publish 发布", EN: "publish with luoshu publish"}, store)
	case err != nil:
		return p.say(broken, catalog.Text{ZH: "%v", EN: "%v"}, advice, err)
	}
	if p.manifest != nil && p.manifest.Catalog != m.Catalog {
		return p.say(broken, catalog.Text{ZH: "%s：目录是 %s，本机的是 %s", EN: "%s: its catalog is %s, that on disk %s"}, catalog.Text{
			ZH: "换一个来源，或换一个数据目录", EN: "another source, or another data directory",
		}, store, m.Catalog, p.manifest.Catalog)
	}
	if p.manifest == nil || m.Sequence > p.manifest.Sequence {
		p.manifest = m
	}
	return p.say(fine, catalog.Text{ZH: "%s：%s 第 %d 号", EN: "%s: %s %d"}, catalog.Text{}, store, m.Catalog, m.Sequence)
}

// keys looks whether the node can tell its publisher from anybody else.
func (p *patient) keys(context.Context) finding {
	keys, err := readTrusted(p.trusted, p.dataDir)
	switch {
	case err != nil:
		return p.say(broken, catalog.Text{ZH: "%v", EN: "%v"}, catalog.Text{
			ZH: "修复该文件，或用 luoshu trust add 重新添加；在此之前不接受新发布", EN: "repair the file, or add the keys again with luoshu trust add; until then no new release is taken",
		}, catalog.ErrorText(err, p.lang))
	case len(keys) == 0 && len(p.sources) > 0:
		return p.say(warn, catalog.Text{ZH: "没有受信任的密钥：来源给什么就展示什么", EN: "none is trusted: whatever the source gives is shown"}, catalog.Text{
			ZH: "向发布者取得公钥：luoshu trust add 文件.pub", EN: "get the publisher's public key: luoshu trust add FILE.pub",
		})
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID()
	}
	return p.say(fine, catalog.Text{ZH: "受信任 %d 个 %s", EN: "%d trusted %s"}, catalog.Text{}, len(keys), strings.Join(ids, ", "))
}

// clock compares with what is known to be past: the release. Nothing that is shown depends
// on the clock, but certificates of a hub do.
func (p *patient) clock(context.Context) finding {
	now := p.now()
	if p.manifest != nil && now.Before(p.manifest.PublishedAt.Add(-24*time.Hour)) {
		return p.say(warn, catalog.Text{ZH: "%s，早于发布时间 %s", EN: "%s, before the release of %s"}, catalog.Text{
			ZH: "校准时钟（timedatectl set-ntp true）：展示不受影响，HTTPS 来源可能连不上",
			EN: "set it (timedatectl set-ntp true): what is shown is right all the same, an HTTPS source may be refused",
		}, now.Format(time.DateTime), p.manifest.PublishedAt.Format(time.DateTime))
	}
	return p.say(fine, catalog.Text{ZH: "%s", EN: "%s"}, catalog.Text{}, now.Format(time.DateTime))
}

func (p *patient) server(ctx context.Context) finding {
	url, err := readiness(p.serveAddr)
	if err == nil {
		err = askServer(ctx, url)
	}
	if err != nil {
		return p.say(warn, catalog.Text{ZH: "%v", EN: "%v"}, catalog.Text{
			ZH: "启动：systemctl start luoshu；日志：journalctl -u luoshu", EN: "start it: systemctl start luoshu; its log: journalctl -u luoshu",
		}, err)
	}
	return p.say(fine, catalog.Text{ZH: "%s 就绪", EN: "%s is ready"}, catalog.Text{}, url)
}

func (p *patient) screen(context.Context) finding {
	if p.terminal == "" && p.panel == "" {
		return p.say(fine, catalog.Text{ZH: "不是终端", EN: "this is no terminal"}, catalog.Text{})
	}
	panel := p.panel
	if panel == "" && p.manifest != nil {
		for _, t := range p.manifest.Terminals {
			if t.ID == p.terminal {
				panel = t.Panel
			}
		}
	}
	advice := catalog.Text{ZH: "用 --panel 指明，如 21.5:1080x1920：按键的毫米数由它而来", EN: "name it with --panel, such as 21.5:1080x1920: the size of the keys in millimeters comes from it"}
	if panel == "" {
		return p.say(warn, catalog.Text{ZH: "终端 %s 的屏幕尺寸未知，按默认值", EN: "the panel of %s is unknown, a default is taken"}, advice, p.terminal)
	}
	if _, err := catalog.ParsePanel(panel); err != nil {
		return p.say(broken, catalog.Text{ZH: "%s：%v", EN: "%s: %v"}, advice, panel, err)
	}
	return p.say(fine, catalog.Text{ZH: "%s", EN: "%s"}, catalog.Text{}, panel)
}

func (p *patient) browser(context.Context) finding {
	for _, name := range slices.Concat(browserNames, browserPlaces[runtime.GOOS]) {
		if path, err := p.look(name); err == nil {
			return p.say(fine, catalog.Text{ZH: "%s", EN: "%s"}, catalog.Text{}, path)
		}
	}
	return p.say(warn, catalog.Text{ZH: "没有找到 Chromium", EN: "no Chromium was found"}, catalog.Text{
		ZH: "终端和打印需要它：apt-get install chromium；只提供接口的节点不需要", EN: "a terminal and luoshu print need it: apt-get install chromium; a node that serves alone does not",
	})
}

// sample is what a font must have to be one for Chinese.
const sample = "洛阳市技术市场成果目录轴承钢"

// fonts looks for what luoshu print sets a catalog in: not every font for Chinese will do.
func (p *patient) fonts(context.Context) finding {
	var faces []*fontFace
	for _, dir := range p.fontDirs {
		faces = append(faces, findFonts(dir)...)
	}
	chosen, missing := chooseFonts(faces, sample)
	if len(chosen.text) == 0 || len(missing) > 0 {
		return p.say(warn, catalog.Text{ZH: "没有可用于打印的中文字体", EN: "there is none for Chinese that luoshu print could use"}, catalog.Text{
			ZH: "打印目录需要静态的 TrueType 字体：apt-get install fonts-lxgw-wenkai；fonts-noto-cjk 和可变字体不行；屏幕页面自带字体，不需要",
			EN: "luoshu print needs static TrueType: apt-get install fonts-lxgw-wenkai; fonts-noto-cjk and variable fonts do not do; pages on screens bring their own",
		})
	}
	face := chosen.text[0]
	return p.say(fine, catalog.Text{ZH: "打印用 %s（%s）", EN: "%s for print (%s)"}, catalog.Text{}, face.family, face.path)
}

// findings prints what was found, and below each what to do.
func (p printer) findings(all []finding) {
	marks := map[string]string{fine: "✓", warn: "!", broken: "✗"}
	rows := make([][]string, 0, len(all))
	for i, f := range all {
		rows = append(rows, []string{marks[f.State], checks[i].text.In(p.lang), f.Detail})
		if f.Advice != "" {
			rows = append(rows, []string{"", "", "→ " + f.Advice})
		}
	}
	p.table(rows)
}
