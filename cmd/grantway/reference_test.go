package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grantway/grantway/internal/installed"
)

// TestCommandReference: docs/reference/commands.md is what --help says. With
// -update it is written.
func TestCommandReference(t *testing.T) {
	var page bytes.Buffer
	page.WriteString("<!-- Generated from cmd/grantway by make generate. -->\n\n# Commands\n\nThe same is said by `grantway COMMAND --help`.\n")
	every(newRoot(), func(c *cobra.Command) {
		if c.Name() != "help" {
			describe(&page, c)
		}
	})
	installed.Generated(t, "../../docs/reference/commands.md", page.String(), "run make generate")
}

func describe(page *bytes.Buffer, c *cobra.Command) {
	said := c.Long
	if said == "" {
		said = c.Short
	}
	said = strings.TrimSpace(said)
	if strings.Contains(said, "   ") { // it is laid out
		said = "```text\n" + said + "\n```"
	}
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n    %s\n", c.CommandPath(), said, c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(page, "\n```text\n%s\n```\n", strings.TrimRight(c.Example, "\n"))
	}
	var flags []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		flags = append(flags, fmt.Sprintf("| `%s` | %s |\n", name, strings.ReplaceAll(usage, "|", "\\|")))
	})
	if len(flags) > 0 {
		fmt.Fprintf(page, "\n| flag | |\n|---|---|\n%s", strings.Join(flags, ""))
	}
}
