package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lastLine returns what a command said last.
func (o outcome) lastLine() string {
	lines := strings.Split(strings.TrimRight(o.stdout, "\n"), "\n")
	return lines[len(lines)-1]
}

// TestTheLastLine says what came of a publication, whatever that is, and the exit
// code agrees with it.
func TestTheLastLine(t *testing.T) {
	const header = "source_key,成果名称,简介,完成日期\n"
	first := header + "1,甲成果,,2024\n2,乙成果,,2024\n3,丙成果,,2024\n"
	tests := []struct {
		name, command, content string
		more                   []string
		code                   int
		want                   string
	}{
		{"published", "publish", header + "4,丁成果,,2024\n", nil, exitDone, "已发布第 2 版（新增 1，更新 0，撤回 0）"},
		{"the same", "publish", first, nil, exitDone, "内容与当前版本相同，没有发布新版本"},
		{"the same but for a held row", "publish", first + "4,丁成果,摘自内部资料,2024\n", nil, exitDone, "没有发布新版本：3 行与当前版本相同，待审 1，拒绝 0"},
		{"held and refused", "publish", header + "4,丁成果,摘自内部资料,2024\n5,,没有名称,2024\n", nil, exitRefused, "没有发布：没有一行可以发布：拒绝 1，待审 1"},
		{"a lost column", "publish", "source_key,成果名称,简介\n1,甲成果（改）,\n", nil, exitRefused, "这次没有：请用 --columns 指定，或加 --allow-drift"},
		{"too much would go", "publish", header + "1,甲成果,,2024\n4,丁成果,,2024\n", []string{"--replace"}, exitRefused, "没有发布：“成果”将有 2 条消失，共 3 条，超过 20%；确属有意请加 --allow-shrink"},
		{"checked", "check", header + "4,丁成果,,2024\n", nil, exitDone, "仅检查，未发布。若发布：新增 1，更新 0，撤回 0"},
		{"checked, and stopped", "check", header + "1,甲成果,,2024\n4,丁成果,,2024\n", []string{"--replace"}, exitRefused, "仅检查，未发布：“成果”将有 2 条消失"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
			luoshu(t, data, publishArgs(write(t, "a.csv", first), store)...).want(t, exitDone)
			args := append([]string{tt.command, write(t, "a.csv", tt.content), "--publisher", "p", "--lang", "zh"}, tt.more...)
			if tt.command == "check" {
				args = append(args, "--against", store)
			} else {
				args = append(args, "--to", store, "--reviewed-by", "Example", "--reviewed-on", "2026-11-20")
			}
			o := luoshu(t, data, args...).want(t, tt.code)
			if last := o.lastLine(); !strings.Contains(last, tt.want) {
				t.Errorf("the last line is %q, want %q, of\n%s", last, tt.want, o.stdout)
			}
			if stopped := tt.code != exitDone; stopped && (strings.Contains(o.stdout, "若发布") || !strings.Contains(o.stderr, "luoshu: ")) {
				t.Errorf("it contradicts itself:\n%s%s", o.stdout, o.stderr)
			}
		})
	}
}

// TestErrorsInChinese: nobody has to know English to learn why nothing was published.
func TestErrorsInChinese(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	published := luoshu(t, data, publishArgs(write(t, "a.csv", "source_key,成果名称,专利号\n1,甲成果,\n"), store)...).want(t, exitDone).report(t)
	good, id := write(t, "a.csv", "成果名称\n甲成果\n"), published.Rows[0].ID
	reviewed := []string{"--to", store, "--publisher", "p", "--reviewed-by", "A", "--reviewed-on", "2026-11-20"}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"no review", []string{"publish", good, "--to", store, "--publisher", "p"}, "没有提交单位的保密审查"},
		{"no publisher", []string{"check", good}, "缺少 --publisher"},
		{"no store", []string{"publish", good, "--publisher", "p", "--reviewed-by", "A", "--reviewed-on", "2026-11-20"}, "缺少 --to"},
		{"no file", []string{"check", good + "x", "--publisher", "p"}, "没有这个文件或文件夹：" + good + "x"},
		{"all refused", []string{"check", write(t, "b.csv", "成果名称,简介\n,x\n"), "--publisher", "q"}, "没有一行可以发布"},
		{"a lost column", append([]string{"publish", good}, reviewed...), "的文件有“source_key”“知识产权号”的列"},
		{"withdraw what is not there", append([]string{"publish", "--withdraw", "A3K7M2QG", "--reason", "已转让"}, reviewed...), "撤回 A3K7M2QG：没有发布这一条"},
		{"withdraw with a reason that must not be public", append([]string{"publish", "--withdraw", id, "--reason", "因涉密撤回"}, reviewed...), "撤回 " + id + "：理由：正文出现"},
		{"a mistyped identifier", append([]string{"publish", "--withdraw", "A3K7M2QH", "--reason", "x"}, reviewed...), "校验字符不符"},
		{"nothing published yet", []string{"releases", "--source", "dir:" + t.TempDir()}, "还没有发布过"},
		{"a store that is away", []string{"releases", "--source", "redis://" + freeAddress(t) + "/0"}, "存储无法连接"},
		{"unknown encoding", []string{"check", good, "--publisher", "q", "--encoding", "x"}, "不认识的编码"},
		{"a column map to no field", []string{"check", good, "--publisher", "q", "--columns", write(t, "m.json", `{"成果名称":"x"}`)}, "“x”不是 achievements 的字段"},
		{"a profile without a title", []string{"check", good, "--publisher", "q", "--profile", write(t, "p.json", "{}")}, "缺少名称"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := luoshu(t, data, append(tt.args, "--lang", "zh")...)
			if o.code == exitDone || !strings.Contains(o.stderr, tt.says) || strings.Contains(o.stderr, ": invalid") {
				t.Errorf("exit code %d, says %q, want %q", o.code, o.stderr, tt.says)
			}
		})
	}
}

// TestRollbackReason: the public reads it, so it is screened.
func TestRollbackReason(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	luoshu(t, data, publishArgs(write(t, "a.csv", "成果名称\n甲成果\n"), store)...).want(t, exitDone)
	luoshu(t, data, publishArgs(write(t, "a.csv", "成果名称\n乙成果\n"), store)...).want(t, exitDone)
	o := luoshu(t, data, "rollback", "1", "--to", store, "--reason", "乙成果摘自内部资料").want(t, exitRefused)
	if !strings.Contains(o.stderr, "(M3)") || strings.Contains(o.stderr, "乙成果") {
		t.Errorf("says %s", o.stderr)
	}
	luoshu(t, data, "rollback", "1", "--to", store).want(t, exitDone)
}

// TestLongWords: what is kept of a decision is short, and what a file already holds
// stops nothing, however long it is.
func TestLongWords(t *testing.T) {
	data, store := t.TempDir(), "dir:"+filepath.Join(t.TempDir(), "s")
	file := write(t, "a.csv", "成果名称\n甲成果\n")
	for _, flag := range []string{"--because", "--approved-by", "--reviewed-by"} {
		luoshu(t, data, publishArgs(file, store, flag, strings.Repeat("长", mostWords+1))...).want(t, exitUsage)
	}
	long := `{"id":"A3K7M2QG","rule":"M3","hash":"00","because":"` + strings.Repeat("x", 2<<20) + `"}` + "\n"
	for _, name := range []string{"approvals.jsonl", "audit.jsonl"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(long), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	luoshu(t, data, publishArgs(file, store)...).want(t, exitDone)
	if last := auditedPast(data, store).last; last != 1 {
		t.Errorf("the last release that was published from here is %d, want 1", last)
	}
}
