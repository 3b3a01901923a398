package report_test

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"rqdswarm/rqdcore/report"
)

var _ report.Documents = (*documents)(nil)

// documents is a disk that can refuse and stall.
type documents struct {
	put    func(name string) error // Called before a document is written.
	delete func(name string) error // Called before a document is deleted.

	mu   sync.Mutex
	held map[string][]byte
}

func (d *documents) Put(name string, v any) error {
	if d.put != nil {
		if err := d.put(name); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held == nil {
		d.held = map[string][]byte{}
	}
	d.held[name] = raw
	return nil
}

func (d *documents) Delete(name string) error {
	if d.delete != nil {
		if err := d.delete(name); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, name)
	return nil
}

func (d *documents) Load(take func(string, []byte) error) (aside []error, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(d.held)) {
		if err := take(name, d.held[name]); err != nil {
			aside = append(aside, err)
		}
	}
	return aside, nil
}

func (d *documents) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.held)
}
