package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// TextError is an error that people are told in their own language: what an
// operator asked for cannot be done.
type TextError struct {
	Text
	causes []error
}

// NewTextError returns an error that says t, filled in as fmt.Sprintf does, and
// wraps kind unless that is nil. An argument that is an error is said in the
// language of the text around it, and wrapped too.
func NewTextError(kind error, t Text, args ...any) *TextError {
	e := &TextError{}
	if kind != nil {
		e.causes = append(e.causes, kind)
	}
	zh, en := make([]any, len(args)), make([]any, len(args))
	for i, arg := range args {
		zh[i], en[i] = arg, arg
		if cause, ok := arg.(error); ok {
			e.causes = append(e.causes, cause)
			zh[i], en[i] = ErrorText(cause, "zh"), ErrorText(cause, "en")
		}
	}
	e.Text = Text{ZH: fmt.Sprintf(t.ZH, zh...), EN: fmt.Sprintf(t.EN, en...)}
	return e
}

// Error returns the English text.
func (e *TextError) Error() string { return e.EN }

// Unwrap implements the tree of errors.Is.
func (e *TextError) Unwrap() []error { return e.causes }

// said is an error with a text in both languages.
type said interface {
	error
	In(lang string) string
}

// kinds are the errors that an operator can meet in a text of other programs.
var kinds = []struct {
	kind error
	zh   string
}{
	{fs.ErrNotExist, "没有这个文件或文件夹"},
	{fs.ErrExist, "已经存在"},
	{fs.ErrPermission, "没有权限"},
	{ErrCheckCharacter, "校验字符不符，编号可能抄错了"},
	{ErrNoRelease, "还没有发布过"},
	{ErrUnavailable, "存储无法连接，或不应答"},
	{ErrConflict, "当前发布在此期间有了变动，请重试"},
	{ErrOlder, "比已有的发布旧"},
	{ErrForeign, "属于另一个目录"},
	{ErrUntrusted, "没有此处所信任的签名"},
	{ErrReadOnly, "存储不可写"},
	{ErrDamaged, "内容已损坏"},
	{ErrWithdrawn, "已撤回"},
	{ErrNotFound, "没有找到"},
	{ErrInvalid, "不合规则"},
}

// ErrorText says err in lang, "zh" or "en". What was written in one language only
// stays in it; in Chinese its kind is said first.
func ErrorText(err error, lang string) string {
	if e, ok := err.(said); ok { //nolint:errorlint // what wraps it has a text of its own
		return e.In(lang)
	}
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		var all, texts []string
		for _, one := range e.Unwrap() {
			all, texts = append(all, one.Error()), append(texts, ErrorText(one, lang))
		}
		if err.Error() == strings.Join(all, "\n") { // of errors.Join
			return strings.Join(texts, "\n")
		}
	}
	text := strings.TrimSuffix(err.Error(), ": "+ErrInvalid.Error())
	if lang == "en" {
		return text
	}
	if e, ok := errors.AsType[said](err); ok {
		return e.In(lang)
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		text = e.Path
		if !errors.Is(e, fs.ErrNotExist) && !errors.Is(e, fs.ErrExist) && !errors.Is(e, fs.ErrPermission) {
			text += ": " + e.Err.Error()
		}
	}
	for _, k := range kinds {
		switch {
		case text == k.kind.Error():
			return k.zh
		case errors.Is(err, k.kind):
			return k.zh + "：" + text
		}
	}
	return text
}
