package config

import "fmt"

// Sections that RQD knows.
const (
	sectionOverride = "Override"
	sectionHostEnv  = "UseHostEnvVar"
	sectionDocker   = "docker.config"
	sectionImages   = "docker.images"
	sectionMounts   = "docker.mounts"
)

// sections lists them for messages; DEFAULT counts in all of them.
func sections() []string {
	return []string{sectionOverride, sectionHostEnv, sectionDocker, sectionImages, sectionMounts}
}

// Key is one key of rqd.conf, as the documentation lists it.
type Key struct {
	Section     string
	Name        string
	Type        string
	Default     string
	Meaning     string
	Environment string // The variable that wins over the file, if there is one.
	Relevance   Relevance
}

// Relevance is what RQD does with a key.
type Relevance string

// The three kinds of keys: the last two are the Python RQD's, which mean nothing to this one.
const (
	Honoured Relevance = "honoured"
	Ignored  Relevance = "ignored"
	Warned   Relevance = "warns"
)

// option is a key with its field in Config.
type option struct {
	Key
	set  func(*Config, string) error
	get  func(*Config) string
	warn func(value string) string // What to say of a value that is not followed; "" for nothing.
}

// honour joins a documented key to the field that holds its value. A Default that is empty is
// filled in from the field's own.
func honour[T any](k Key, values kind[T], field func(*Config) *T) option {
	k.Type, k.Relevance = values.name, Honoured
	return option{
		Key: k,
		set: func(c *Config, text string) error {
			v, err := values.parse(text)
			if err != nil {
				return err
			}
			*field(c) = v
			return nil
		},
		get: func(c *Config) string { return values.format(*field(c)) },
	}
}

// optional is honour for a field whose zero value means that the key is not set.
func optional[T comparable](k Key, values kind[T], field func(*Config) *T) option {
	o := honour(k, values, field)
	if o.Default == "" {
		o.Default = "not set"
	}
	var unset T
	if _, isText := any(unset).(string); isText {
		set := o.set
		o.set = func(c *Config, text string) error {
			if text == "" { // As for the Python RQD.
				*field(c) = unset
				return nil
			}
			return set(c, text)
		}
	}
	o.get = func(c *Config) string {
		if *field(c) == unset {
			return ""
		}
		return values.format(*field(c))
	}
	return o
}

// ignore accepts a key of the Python RQD without looking at its value.
func ignore(name, meaning string) option {
	return option{Key: Key{Section: sectionOverride, Name: name, Meaning: meaning, Relevance: Ignored}}
}

// refuse accepts a key of the Python RQD and says that it has no effect.
func refuse(name, meaning string, warn func(value string) string) option {
	o := ignore(name, meaning)
	o.Relevance, o.warn = Warned, warn
	return o
}

// unlessFalse warns of a bool that asks for something.
func unlessFalse(text string) func(string) string {
	return func(value string) string {
		if on, err := parseBool(value); err == nil && !on {
			return ""
		}
		return fmt.Sprintf("%q has no effect: %s", value, text)
	}
}
