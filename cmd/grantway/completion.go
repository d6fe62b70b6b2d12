package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion {bash|zsh|fish}",
		Short: "Print a script that completes commands in your shell",
		Long: `Print a script that completes commands in your shell. In bash it needs the
package bash-completion.`,
		Example: `  source <(grantway completion bash)
  source <(grantway completion zsh)
  grantway completion fish > ~/.config/fish/completions/grantway.fish`,
		Args:                  cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, shell []string) error {
			root, out := c.Root(), c.OutOrStdout()
			switch shell[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return errors.New("no such shell") // ValidArgs let nothing else in
		},
	}
}
