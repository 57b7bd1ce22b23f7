package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/ingest"
)

func newTemplate(env environment, c *common) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "template DATASET", Short: "Write an example workbook of a dataset, to be filled in",
		Long: `Writes an Excel workbook with a column for every field of the dataset, invented
examples to be overwritten, drop-down lists, and a sheet that explains each column.
check and publish read it as it is. Datasets: ` + datasetNames(),
		Args: arguments(1, 1, "a dataset: "+datasetNames()),
		RunE: func(_ *cobra.Command, args []string) error {
			d := catalog.Dataset(args[0])
			info, ok := d.Info()
			if !ok {
				return usage("没有数据集“%s”；有 %s", "there is no dataset %q; datasets are %s", args[0], datasetNames())
			}
			if err := checkNewWorkbook("out", out, ".xlsx"); err != nil {
				return err
			}
			examples, err := demo.Examples(d)
			if err != nil {
				return err
			}
			if err := cache.Replace(out, func(w io.Writer) error { return ingest.WriteTemplate(w, d, examples) }); err != nil {
				return err
			}
			if c.json {
				return printJSON(env.stdout, struct {
					Dataset catalog.Dataset `json:"dataset"`
					File    string          `json:"file"`
				}{d, out})
			}
			printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{
				ZH: "“" + info.Label.ZH + "”的模板已写入 %s", EN: "the template of " + string(d) + " is in %s",
			}, out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the workbook to write, FILE.xlsx")
	return cmd
}

// checkNewWorkbook refuses a file that is no workbook by its name, or that is
// there already: somebody may have worked in it.
func checkNewWorkbook(flag, name, ending string) error {
	switch {
	case name == "":
		return usage("缺少 --%s：请给出 文件%s", "--%s is missing: give FILE%s", flag, ending)
	case !strings.EqualFold(filepath.Ext(name), ending):
		return usage("--%s %s：文件名应以 %s 结尾", "--%s %s: the name must end in %s", flag, name, ending)
	}
	if _, err := os.Lstat(name); err == nil {
		return usage("--%s %s 已经存在，不会被覆盖", "--%s %s is there already; it is not overwritten", flag, name)
	}
	return nil
}
