package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/ingest"
	"luoshu/catalog/trust"
)

// publishFlags are the flags of publish and, but for --to, of check.
type publishFlags struct {
	to, against          string
	publisher, dataset   string
	reviewedBy           string
	reviewedOn           string
	columns, profile     string
	propose              string
	allowDrift           bool
	replace, allowShrink bool
	withdraw, restore    []string
	sheets               []string
	encoding             string
	approve              []string
	approvedBy, because  string
	reason, successor    string
	report, fixed        string
	sample               bool
	sign                 signFlags
	trusted              string
	editions             []string
	codes                int
}

// registerReading adds the flags that say how files are read.
func (p *publishFlags) registerReading(f *pflag.FlagSet) {
	f.StringVar(&p.publisher, "publisher", "", "short name of who publishes, such as luoyang-market; records keep their identifiers per publisher")
	f.StringVar(&p.dataset, "dataset", string(catalog.Achievements), "dataset of the rows: "+datasetNames())
	f.StringVar(&p.columns, "columns", "", "JSON file that maps column names to fields, such as {\"Title\":\"title\"}; \"-\" leaves a column out")
	f.BoolVar(&p.allowDrift, "allow-drift", false, "permit that the files lack a column which gave a field in the publisher's last files")
	f.StringArrayVar(&p.sheets, "sheet", nil, "sheet of a workbook to read, by its name or as #2 (may be repeated; default: every visible one with known columns)")
	f.StringVar(&p.encoding, "encoding", "auto", "encoding of text tables: auto, utf-8, gb18030 or utf-16")
	f.BoolVar(&p.sample, "sample", false, "the records are invented: mark them so, and take the examples of a template too")
	f.StringVar(&p.profile, "profile", "", "JSON file that describes the catalog: name, public URL, license, desks")
}

func (p *publishFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	p.registerReading(f)
	f.StringVar(&p.reviewedBy, "reviewed-by", "", "who made the unit's secrecy review of these files")
	f.StringVar(&p.reviewedOn, "reviewed-on", "", "the day of that review, YYYY-MM-DD")
	f.BoolVar(&p.replace, "replace", false, "the files are the publisher's whole catalog: withdraw what they lack")
	f.BoolVar(&p.allowShrink, "allow-shrink", false, "permit that more than 20 % of the publisher's records disappear")
	f.StringArrayVar(&p.withdraw, "withdraw", nil, "identifier to withdraw, with --reason (may be repeated)")
	f.StringVar(&p.reason, "reason", "", "why records are withdrawn; the public reads it")
	f.StringVar(&p.successor, "successor", "", "identifier of the record that takes the place of a withdrawn one")
	f.StringArrayVar(&p.restore, "restore", nil, "withdrawn identifier to bring back; the files must hold it (may be repeated)")
	f.StringArrayVar(&p.editions, "edition", nil, "identifier of a package that goes to print: number the edition and record what it holds (may be repeated)")
	f.IntVar(&p.codes, "codes", 0, "read back so many of the QR codes that are new, evenly picked, where all would take too long: 4,000 a second on two processors (default: all)")
	f.StringArrayVar(&p.approve, "approve", nil, "let pass what a rule holds in a row: RULE:ROW such as M3:17, RULE:ID or RULE:FILE/SHEET!ROW (may be repeated)")
	f.StringVar(&p.approvedBy, "approved-by", "", "who decided that; another person than the reviewer")
	f.StringVar(&p.because, "because", "", "why")
	f.StringVar(&p.report, "report", "", "write the report to FILE.html to read and print, or every row to FILE.csv or FILE.json")
	f.StringVar(&p.fixed, "fixed", "", "write the one workbook or text table back as FILE.xlsx, with a comment at every cell that needs attention")
}

func datasetNames() string {
	var names []string
	for d := range catalog.Datasets() {
		names = append(names, string(d.Name))
	}
	return strings.Join(names, ", ")
}

// limits says what files may hold, in both languages.
func limits() string { return ingest.LimitsText("en") + "\n\n" + ingest.LimitsText("zh") }

func newPublish(env environment, c *common) *cobra.Command {
	p := &publishFlags{}
	cmd := &cobra.Command{
		Use: "publish FILE…", Short: "Check files and publish them as a new release",
		Long: `Reads files (.xlsx, .csv, .tsv, .txt, .json, .jsonl, .luoshu), checks every row and
publishes the result as a new release, whole or not at all. A row that is refused is
named with the reason; the others are published. Publishing the same files again
publishes nothing.

Files update what is published: a record disappears only with --withdraw, or with
--replace when the files lack it.

Rows are screened for secrets and personal data. What is held waits for a second
person: --approve RULE:ROW --approved-by NAME --because TEXT. Where several files or
sheets have that row: RULE:FILE/SHEET!ROW or RULE:ID. It is remembered for as long as
the text stays the same.

With --key the release is signed, and terminals that trust the key show nothing else.

--edition P… numbers a package that goes to print and records which items it holds, in
which order and version; luoshu print then makes the PDF. While nothing of it changes,
the number stays.

Publication is conditional on the unit's secrecy review (洛市科〔2017〕99号): give
--reviewed-by and --reviewed-on. They go, with the files' SHA-256, into the audit
record in the data directory, which is never served.

` + limits(),
		Args: arguments(0, -1, "the files to publish"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), env, c, args, false) },
	}
	p.register(cmd)
	cmd.Flags().StringVar(&p.to, "to", "", "store to publish to")
	p.sign.register(cmd.Flags())
	registerTrusted(cmd.Flags(), &p.trusted)
	return cmd
}

func newCheck(env environment, c *common) *cobra.Command {
	p := &publishFlags{}
	cmd := &cobra.Command{
		Use: "check FILE…", Short: "Do everything publish does, but publish nothing",
		Long: `Reads and checks files (.xlsx, .csv, .tsv, .txt, .json, .jsonl, .luoshu) as publish
would and reports every row, but publishes nothing. With --against it compares with
what a store holds.

` + limits(),
		Args: arguments(0, -1, "the files to check"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), env, c, args, true) },
	}
	p.register(cmd)
	cmd.Flags().StringVar(&p.against, "against", "", "store to compare with (default: nothing was published before)")
	cmd.Flags().StringVar(&p.propose, "propose", "", "write FILE.json with what unknown columns most likely mean: correct it and give it back with --columns")
	return cmd
}

// options checks the flags and turns them into what the import takes.
func (p *publishFlags) options(files []string, check bool) (ingest.Options, error) {
	opt := ingest.Options{
		Dataset: catalog.Dataset(p.dataset), Publisher: p.publisher, Replace: p.replace, AllowShrink: p.allowShrink,
		Sample: p.sample, Sheets: p.sheets, Encoding: ingest.Encoding(p.encoding),
	}
	if _, ok := opt.Dataset.Info(); !ok {
		return opt, usage("--dataset：没有数据集“%s”；有 %s", "--dataset %q is unknown; datasets are %s", p.dataset, datasetNames())
	}
	var err error
	if opt.Examples, err = demo.Titles(opt.Dataset); err != nil {
		return opt, err
	}
	if !catalog.ValidCatalogName(p.publisher) {
		return opt, usage("缺少 --publisher，或其中有小写字母、数字、连字符以外的字符", "--publisher is missing or has other characters than lower-case letters, digits and hyphens")
	}
	if len(files) == 0 && len(p.withdraw) == 0 && p.profile == "" && len(p.editions) == 0 {
		return opt, usage("请给出要发布的文件、--withdraw、--edition 或 --profile", "give the files to publish, --withdraw, --edition or --profile")
	}
	if !check && len(files) > 0 {
		if err := p.reviewed(time.Now()); err != nil {
			return opt, err
		}
	}
	if p.successor != "" && len(p.withdraw) != 1 {
		return opt, usage("--successor 须与一个 --withdraw 同用", "--successor goes with one --withdraw")
	}
	if err := p.worded(); err != nil {
		return opt, err
	}
	if err := p.checkOutputs(files); err != nil {
		return opt, err
	}
	if opt.Lifts, err = p.lifts(); err != nil {
		return opt, err
	}
	if len(p.withdraw) > 0 && strings.TrimSpace(p.reason) == "" {
		return opt, usage("--withdraw 须同时写明 --reason 理由", "--withdraw needs --reason")
	}
	for _, s := range p.withdraw {
		id, err := catalog.ParseID(s)
		if err != nil {
			return opt, usage("--withdraw %s：%v", "--withdraw %s: %v", s, err)
		}
		w := ingest.Withdrawal{ID: id, Reason: p.reason}
		if p.successor != "" {
			if w.Successor, err = catalog.ParseID(p.successor); err != nil {
				return opt, usage("--successor %s：%v", "--successor %s: %v", p.successor, err)
			}
		}
		opt.Withdraw = append(opt.Withdraw, w)
	}
	for _, s := range p.restore {
		id, err := catalog.ParseID(s)
		if err != nil {
			return opt, usage("--restore %s：%v", "--restore %s: %v", s, err)
		}
		opt.Restore = append(opt.Restore, id)
	}
	if p.columns != "" {
		b, err := os.ReadFile(p.columns)
		if err != nil {
			return opt, usage("--columns：%v", "--columns: %v", err)
		}
		if err := json.Unmarshal(b, &opt.Columns); err != nil {
			return opt, usage("--columns %s 应是从列名到字段的 JSON 对象：%v", "--columns %s must be an object from column name to field: %v", p.columns, err)
		}
	}
	return opt, nil
}

// result is what publish and check print with --json.
type result struct {
	*ingest.Report
	Release *releaseLine `json:"release"` // null when nothing was published
	Changes struct {
		Added     int `json:"added"`
		Updated   int `json:"updated"`
		Withdrawn int `json:"withdrawn"`
	} `json:"changes"`
	Diff        differences `json:"diff"`
	Objects     int         `json:"objects"`
	ObjectBytes int64       `json:"object_bytes"`
	Store       string      `json:"store,omitzero"`
	// Drift is what has changed about the columns since the publisher's last files.
	Drift []ingest.Drifted `json:"drift,omitempty"`
	// Stopped is why nothing was published, or why the operator must act all the same.
	Stopped catalog.Text `json:"stopped,omitzero"`
	// Glyphs are the texts with characters that the kiosk's fonts lack.
	Glyphs []glyphs `json:"glyphs,omitempty"`
	// Codes says how many codes were read back.
	Codes proof `json:"codes,omitzero"`
	// Deskless are the markets without a contact desk.
	Deskless []catalog.Ref `json:"markets_without_desk,omitempty"`
	// Editions are the packages that go to print, with their numbers.
	Editions []printedEdition `json:"editions,omitempty"`
	// Fixed says what --fixed wrote.
	Fixed *fixedFile `json:"fixed,omitzero"`
}

// gcPercent trades a little processor time for much memory while files are taken
// in, where most of what is allocated stays: a workbook of 50,000 rows and 40
// columns needs a quarter less than with Go's default of 100.
const gcPercent = 40

func (p *publishFlags) run(ctx context.Context, env environment, c *common, names []string, check bool) error {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	opt, err := p.options(names, check)
	if err != nil {
		return err
	}
	lang := env.language(c.lang)
	show := progress{w: env.stderr, bars: env.terminal(env.stderr), quiet: c.json && !env.terminal(env.stderr)}

	signer, err := p.sign.open(env, lang)
	if err != nil {
		return err
	}
	var target cache.Writer
	var base *catalog.Release
	switch {
	case !check:
		if target, err = openTarget(ctx, p.to, "to"); err != nil {
			return err
		}
		defer func() { _ = target.Close() }()
		if err := target.Prepare(ctx); err != nil {
			return err
		}
		warnOfTarget(ctx, env, target, lang)
		if base, err = p.sign.base(ctx, c, p.trusted, target, signer); err != nil {
			return err
		}
	case p.against != "":
		if base, err = p.compareWith(ctx); err != nil {
			return err
		}
	}
	if base != nil && base.Manifest.Sample && !check {
		return refused("%v 中是示例目录，不能在其上发布；请发布到另一处", "%v holds the demonstration, which is not a catalog to build on; publish to another store", target)
	}
	if !check && base == nil {
		warnIfLost(env, c, target, lang)
	}
	if !check && len(opt.Lifts) > 0 {
		if err := makeApprovalKey(c.dataDir); err != nil {
			return err
		}
	}
	files, closeFiles, err := openFiles(names)
	if err != nil {
		return err
	}
	defer closeFiles()
	draft := catalog.NewDraft(base, time.Now())
	out, failed := p.read(ctx, c, draft, files, &opt, show, lang)
	if out.Report == nil {
		return failed
	}
	if target != nil {
		out.Store = target.String()
	}
	if failed == nil {
		failed = p.release(ctx, c, opt, draft, target, signer, files, &out, func(name catalog.Text, total int64) (func(int64), func()) {
			return show.stage(name.In(lang), total)
		})
	}
	if failed != nil {
		out.Stopped = catalog.Text{ZH: catalog.ErrorText(failed, "zh"), EN: catalog.ErrorText(failed, "en")}
	}
	// What has been published is told, whatever fails from here on.
	failed = errors.Join(failed, p.writeOutputs(ctx, lang, files, opt, &out, check, failed))
	if c.json {
		return errors.Join(failed, printJSON(env.stdout, out))
	}
	printReport(env.stdout, lang, out, check)
	return failed
}

// read brings files into draft, as they and earlier ones of the publisher are to be
// understood, and gives it its profile. Without a report the files could not be read;
// with one, the error says why nothing of them may be published.
func (p *publishFlags) read(ctx context.Context, c *common, draft *catalog.Draft, files []*input, opt *ingest.Options, show progress, lang string) (result, error) {
	out := result{Diff: differences{draft}}
	var err error
	if opt.Approvals, err = readApprovals(c.dataDir); err != nil {
		return out, err
	}
	saved, err := readMapping(c.dataDir, p.publisher, opt.Dataset)
	if err != nil {
		return out, err
	}
	opt.Known = saved.Columns
	step, end := show.stage(catalog.Text{ZH: "读取", EN: "rows read"}.In(lang), -1)
	opt.Progress = func(n int) { step(int64(n)) }
	out.Report, err = ingest.Import(ctx, draft, inputs(files), *opt)
	if out.Report != nil {
		step(int64(out.Totals.Read))
	}
	end()
	if err == nil {
		out.Drift, err = p.drift(saved, out.Report)
	}
	if err == nil {
		err = p.describe(draft)
	}
	if err == nil {
		out.Editions, err = p.recordEditions(draft)
	}
	out.Changes.Added, out.Changes.Updated, out.Changes.Withdrawn = draft.Counts()
	return out, err
}

// printedEdition is an edition of a package as --edition recorded it.
type printedEdition struct {
	Package   catalog.ID `json:"package"`
	Edition   catalog.ID `json:"edition"`
	Number    int        `json:"number"`
	Placement string     `json:"placement"`
	Items     int        `json:"items"`
	// New is false where the last edition of the package still stands.
	New bool `json:"new"`
}

// recordEditions puts the editions that go to print into the draft, after everything they
// hold.
func (p *publishFlags) recordEditions(draft *catalog.Draft) ([]printedEdition, error) {
	var all []printedEdition
	for _, s := range p.editions {
		id, err := catalog.ParseID(s)
		if err != nil {
			return all, usage("--edition %s：%v", "--edition %s: %v", s, err)
		}
		e, change, err := draft.Print(p.publisher, id)
		if err != nil {
			return all, err
		}
		all = append(all, printedEdition{id, e.ID, e.Printing.Number, e.Printing.Placement(), len(e.Items), change != catalog.Unchanged})
	}
	return all, nil
}

// release builds what the draft makes of the files and, unless target is nil,
// publishes it. The error says why nothing was published, or why the operator
// must act all the same.
func (p *publishFlags) release(ctx context.Context, c *common, opt ingest.Options, draft *catalog.Draft, target cache.Writer, signer *trust.Signer, files []*input, out *result, stage func(catalog.Text, int64) (func(int64), func())) error {
	if draft.Empty() {
		return errors.Join(verdict(out.Report), p.keep(c.dataDir, opt, draft, target, files, out.Report))
	}
	publication, err := draft.Build(ctx, catalog.BuildOptions{})
	if err != nil {
		return err
	}
	if out.Glyphs, err = uncovered(publication.Release); err != nil {
		return err
	}
	out.Codes, err = prove(ctx, publication.Release, draft.Base(), p.codes, func(total int64) (func(int64), func()) {
		return stage(catalog.Text{ZH: "读回二维码", EN: "QR codes read back"}, total)
	})
	if err != nil {
		return err
	}
	out.Deskless = deskless(publication.Release.Manifest, slices.Values(publication.Release.Entries))
	out.Objects = len(publication.Objects)
	for _, o := range publication.Objects {
		out.ObjectBytes += o.Ref.Bytes
	}
	if target != nil {
		step, end := stage(catalog.Text{ZH: "写入", EN: "bytes stored"}, out.ObjectBytes)
		line := p.account(newAuditLine(target, publication), files, out)
		err := publishSigned(ctx, c, target, publication, signer, line, func(done, _ int64) { step(done) })
		end()
		if err != nil {
			return err
		}
		published := newReleaseLine(publication.Release.Manifest, publication.Release.Hash, true)
		out.Release = &published
	}
	return errors.Join(verdict(out.Report), p.keep(c.dataDir, opt, draft, target, files, out.Report))
}

// keep remembers what a publication decided for those to come: what a second person
// let pass, also of rows that were public already, and what the columns mean.
func (p *publishFlags) keep(dataDir string, opt ingest.Options, draft *catalog.Draft, target cache.Writer, files []*input, report *ingest.Report) error {
	if target == nil {
		return nil
	}
	var errs []error
	if draft.Empty() && len(report.Approved) > 0 {
		// No publication accounts for it.
		m := draft.Base().Manifest
		line := auditLine{State: "approved", Store: target.String(), Catalog: m.Catalog, Sequence: m.Sequence, Manifest: draft.Base().Hash}
		errs = append(errs, writeAudit(dataDir, p.account(line, files, &result{Report: report})))
	}
	if errs == nil || errs[0] == nil {
		errs = append(errs, p.writeApprovals(dataDir, report.Approved))
	}
	if err := errors.Join(errs...); err != nil {
		return catalog.NewTextError(nil, catalog.Text{ZH: "批准没有记下，下次须重新作出：%v", EN: "the approvals could not be remembered: %v"}, err)
	}
	if t := report.Totals; p.sample || t.Published+t.Unchanged == 0 {
		return nil
	}
	if err := writeMapping(dataDir, report, opt); err != nil {
		return catalog.NewTextError(nil, catalog.Text{ZH: "各列的含义没有记下：%v", EN: "the meaning of the columns could not be remembered: %v"}, err)
	}
	return nil
}

func (p *publishFlags) compareWith(ctx context.Context) (*catalog.Release, error) {
	store, err := openSource(ctx, p.against, "against")
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	return currentRelease(ctx, store)
}

func (p *publishFlags) describe(draft *catalog.Draft) error {
	if p.profile == "" {
		return nil
	}
	b, err := os.ReadFile(p.profile)
	if err != nil {
		return usage("--profile：%v", "--profile: %v", err)
	}
	profile, err := ingest.ReadProfile(b)
	if err != nil {
		return err
	}
	if err := ingest.ResolveProfile(draft, p.publisher, &profile); err != nil {
		return err
	}
	return draft.Describe(profile)
}

// input is a file with the hash of what was read from it.
type input struct {
	name string
	file *os.File
	sum  hash.Hash
}

// openFiles opens all files before the first is read, so that a wrong name costs
// no waiting.
func openFiles(names []string) ([]*input, func(), error) {
	var files []*input
	closeAll := func() {
		for _, f := range files {
			_ = f.file.Close()
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			closeAll()
			return nil, nil, asUsage(err)
		}
		files = append(files, &input{name, f, sha256.New()})
	}
	return files, closeAll, nil
}

func inputs(files []*input) []ingest.File {
	in := make([]ingest.File, len(files))
	for i, f := range files {
		in[i] = ingest.File{Name: filepath.Base(f.name), Reader: io.TeeReader(f.file, f.sum)}
	}
	return in
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
