package opendata

import (
	"strconv"

	"luoshu/catalog"
	"luoshu/catalog/qr"
)

// Media types of drawings.
const (
	typeSVG = "image/svg+xml"
	typePNG = "image/png"
)

// usualSize is the default of the parameter size: a code on a page.
const usualSize = 256

// drawing is what the parameters of a code say.
type drawing struct {
	level     qr.Level
	placement string
	size      int
}

// levels are the values of the parameter level.
var levels = map[string]qr.Level{"M": qr.Screen, "Q": qr.Print}

var (
	levelParameter = Parameter{
		Name: "level", In: "query", Type: "string", Max: 1, Default: "M",
		values:      func(catalog.Dataset) []string { return []string{"M", "Q"} },
		Description: catalog.Text{ZH: "纠错等级：M 用于屏幕，Q 用于印刷", EN: "Error correction: M for screens, Q for print"},
		set: func(r *request, v string) error {
			l, ok := levels[v]
			if !ok {
				return &faultError{kind: badLevel}
			}
			r.drawing.level = l
			return nil
		},
	}
	placementParameter = Parameter{
		Name: "placement", In: "query", Type: "string", Max: 5, pattern: "^[A-Z][0-9]{1,4}$",
		Description: catalog.Text{ZH: "二维码放在哪里，一个字母加一至四位数字，如 P2；写入网址末尾，只用于计数", EN: "Where the code will stand, a letter and up to four digits such as P2; it ends the address and only serves to count"},
		set: func(r *request, v string) error {
			if !qr.ValidPlacement(v) {
				return &faultError{kind: badPlacement}
			}
			r.drawing.placement = v
			return nil
		},
	}
	sizeParameter = Parameter{
		Name: "size", In: "query", Type: "integer", Min: qr.MinSize, Max: qr.MaxSize, Default: strconv.Itoa(usualSize),
		Description: catalog.Text{ZH: "图像边长上限（像素）；按每个模块的最大整数像素绘制", EN: "Greatest side of the image in pixels; the largest whole number of pixels for each module is drawn"},
		set: func(r *request, v string) (err error) {
			r.drawing.size, err = strconv.Atoi(v)
			return err
		},
	}
)

// codeOperations draw the code of a record.
var codeOperations = []Operation{
	{
		Path: root + "/{dataset}/{id}/qr.svg", Produces: typeSVG, serve: (*Handler).codeSVG, addressed: true,
		Summary:    catalog.Text{ZH: "记录的二维码，SVG", EN: "The QR code of a record, as SVG"},
		Parameters: []Parameter{datasetParameter, idParameter, levelParameter, placementParameter},
	},
	{
		Path: root + "/{dataset}/{id}/qr.png", Produces: typePNG, serve: (*Handler).codePNG, addressed: true,
		Summary:    catalog.Text{ZH: "记录的二维码，PNG", EN: "The QR code of a record, as PNG"},
		Parameters: []Parameter{datasetParameter, idParameter, levelParameter, placementParameter, sizeParameter},
	},
}

func (h *Handler) codeSVG(r *request) error {
	return h.drawn(r, "/qr.svg", h.codes.SVG)
}

func (h *Handler) codePNG(r *request) error {
	size := r.drawing.size
	if size == 0 {
		size = usualSize
	}
	return h.drawn(r, "/qr.png", func(payload string, level qr.Level) ([]byte, error) { return h.codes.PNG(payload, level, size) })
}

// drawn answers with the code of a record as draw gives it.
func (h *Handler) drawn(r *request, name string, draw func(payload string, level qr.Level) ([]byte, error)) error {
	found, err := r.snap.Find(r.id)
	if err != nil || found.Dataset != r.dataset.Name {
		return h.lost(r, err)
	}
	base, err := r.edition.addressed()
	if err != nil {
		return err
	}
	e := r.edition
	self := append(appendRecordPath(r.buf[:0], found.Dataset, found.ID), name...)
	self = appendQuery(self, len(self), r.query)
	payload, err := qr.Payload(base, r.id, r.drawing.placement)
	if err != nil {
		return err
	}
	size := atLeast
	if r.op.Produces == typePNG {
		size = 0 // compressed already
	}
	if r.current(e, self, size) {
		return nil
	}
	b, err := draw(payload, r.drawing.level)
	if err != nil {
		return err
	}
	r.sendRaw(b)
	r.linkHeader(e, self, nil)
	return nil
}
