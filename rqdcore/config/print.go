package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Keys lists every key that RQD knows, in the order of the documentation.
func Keys() []Key {
	var keys []Key
	base := defaults()
	for _, o := range options() {
		k := o.Key
		if k.Default == "" && o.get != nil {
			k.Default = o.get(base)
		}
		keys = append(keys, k)
	}
	return keys
}

// Print writes the effective configuration in the format that Load reads; reading it back gives the same Config.
func (c *Config) Print(w io.Writer) error {
	out := bufio.NewWriter(w)
	origin := c.Path
	if origin == "" {
		origin = "defaults and the environment; no file was found"
	}
	fmt.Fprintf(out, "# Effective configuration, from %s.\n", origin)
	c.printOptions(out, sectionOverride)
	fmt.Fprintf(out, "\n[%s]\n", sectionHostEnv)
	for _, name := range c.HostEnvVars {
		fmt.Fprintln(out, name)
	}
	c.printOptions(out, sectionDocker)
	fmt.Fprintf(out, "\n[%s]\n", sectionImages)
	for _, image := range c.Docker.Images {
		fmt.Fprintf(out, "%s = %s\n", image.OS, image.Reference)
	}
	fmt.Fprintf(out, "\n[%s]\n", sectionMounts)
	for i, m := range c.Docker.Mounts {
		fmt.Fprintf(out, "mount%d = %s\n", i+1, formatMount(m))
	}
	return out.Flush()
}

// printOptions writes the keys of one section; those that are not set as comments.
func (c *Config) printOptions(out io.Writer, section string) {
	fmt.Fprintf(out, "\n[%s]\n", section)
	for _, o := range options() {
		if o.Section != section || o.get == nil {
			continue
		}
		if text := o.get(c); text != "" {
			fmt.Fprintf(out, "%s = %s\n", o.Name, text)
		} else {
			fmt.Fprintf(out, "# %s is not set.\n", o.Name)
		}
	}
}

// MarkdownTables is the documentation of rqd.conf and the environment, as the README holds it.
func MarkdownTables() string {
	var b strings.Builder
	for _, section := range []string{sectionOverride, sectionDocker} {
		fmt.Fprintf(&b, "#### `[%s]`\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n", section)
		for _, k := range Keys() {
			if k.Section == section && k.Relevance == Honoured {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, orNone(k.Default), k.Meaning)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(sectionsTable)
	b.WriteString("#### Keys of the Python RQD that have no effect\n\n| Key | | Why |\n|---|---|---|\n")
	for _, k := range Keys() {
		if k.Relevance != Honoured {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Relevance, k.Meaning)
		}
	}
	b.WriteString("\n#### Environment\n\n| Variable | Default | Meaning |\n|---|---|---|\n")
	for _, v := range Variables() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, v.Default, v.Meaning)
	}
	return b.String()
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// sectionsTable documents the sections whose keys the studio chooses.
const sectionsTable = "#### The other sections\n\n" +
	"| Section | A line is | Meaning |\n|---|---|---|\n" +
	"| `[docker.images]` | `OS = IMAGE` | The systems that the host offers, in the order reported; the first serves jobs that name none. " +
	"All names together have at most 32 characters with their commas. |\n" +
	"| `[docker.mounts]` | `LABEL = type:bind,source:/PATH,target:/PATH[,bind-propagation:slave][,ro]` | What every frame sees. Also `type:volume` and `type:tmpfs` " +
	"(`tmpfs-size`, `tmpfs-mode`), `=` instead of `:`, and docker's `src`, `dst`, `destination`, `readonly`. |\n" +
	"| `[UseHostEnvVar]` | `NAME` | Variables that frames get from RQD's own environment. |\n" +
	"| `[DEFAULT]` | | Its keys count in every other section; better not used. |\n\n"
