package qr

import "sync"

// mostKept bounds a Cache: at some 5 KB each, what it holds takes 2.5 MB.
const mostKept = 512

// Cache keeps the codes and pictures that were drawn last, so that a page that is asked for
// again costs no drawing. They depend on nothing but the payload, the level and the size, so
// what was kept stays right from release to release. The zero Cache is ready; it is safe for
// concurrent use.
type Cache struct {
	mu   sync.Mutex
	kept map[kept]drawn
}

// kept is what a cache knows a drawing by. Size is that of a PNG, else vector or 0.
type kept struct {
	payload string
	level   Level
	size    int
}

// vector is the size of an SVG.
const vector = -1

// drawn is a code, or the bytes of its picture.
type drawn struct {
	code    *Code
	picture []byte
}

// New is like the function New.
func (c *Cache) New(payload string, level Level) (*Code, error) {
	d, err := c.draw(kept{payload, level, 0}, func() (d drawn, err error) {
		d.code, err = New(payload, level)
		return d, err
	})
	return d.code, err
}

// SVG returns the code of payload as Code.SVG draws it. The caller must not change it.
func (c *Cache) SVG(payload string, level Level) ([]byte, error) {
	return c.picture(kept{payload, level, vector}, func(code *Code) ([]byte, error) { return code.SVG(), nil })
}

// PNG returns the code of payload as Code.PNG draws it. The caller must not change it.
func (c *Cache) PNG(payload string, level Level, size int) ([]byte, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	return c.picture(kept{payload, level, size}, func(code *Code) ([]byte, error) { return code.PNG(size) })
}

func (c *Cache) picture(key kept, draw func(*Code) ([]byte, error)) ([]byte, error) {
	d, err := c.draw(key, func() (d drawn, err error) {
		code, err := c.New(key.payload, key.level)
		if err == nil {
			d.picture, err = draw(code)
		}
		return d, err
	})
	return d.picture, err
}

// draw returns what is kept under key, or what fresh draws.
func (c *Cache) draw(key kept, fresh func() (drawn, error)) (drawn, error) {
	c.mu.Lock()
	d, found := c.kept[key]
	c.mu.Unlock()
	if found {
		return d, nil
	}
	d, err := fresh()
	if err != nil {
		return d, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[kept]drawn{}
	}
	for other := range c.kept { // in no order: any one makes room
		if len(c.kept) < mostKept {
			break
		}
		delete(c.kept, other)
	}
	c.kept[key] = d
	return d, nil
}
