package upstreams

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Serve serves a new world on an address until ctx ends, and says to out how a team's
// variables lead there.
func Serve(ctx context.Context, address string, out io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	world := New()
	defer world.Close()
	server := &http.Server{Handler: world, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(out, `The systems that the examples call are at http://%[1]s. Lead the team's variables there:

for system in %[2]s; do
  bin/fairlead-dev vars set $system http://%[1]s/$system
done

Ctrl-C stops them.
`, listener.Addr(), strings.Join(Systems(), " "))
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
