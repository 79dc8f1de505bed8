// Command fairlead-dev is fairlead with the whole stack in it: everything a laptop needs, in one process.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fairlead/fairlead/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	dir, _ := os.Getwd()         // "" makes relative names fail by name
	os.Exit(cli.Run(ctx, cli.Program{
		Name: "fairlead-dev", Args: os.Args[1:], Environ: os.Environ(), Dir: dir,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, More: commands,
	}))
}
