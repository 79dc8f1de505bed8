package httpcall

import (
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// refused is the error of an address that may not be called.
type refused struct {
	address string
	cause   error
}

func (r *refused) Error() string { return r.address + " is not a public address" }

func (r *refused) Unwrap() error { return r.cause }

// guard returns a [net.Dialer]'s Control that lets through public addresses
// and those in allow. It sees the address that is really dialed, after DNS and
// on every redirect, so a name can't be used to get around it.
func guard(allow []netip.Prefix) func(network, address string, conn syscall.RawConn) error {
	var v4, v6 []netip.Prefix
	for _, prefix := range allow {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix)
		} else {
			v6 = append(v6, prefix)
		}
	}
	guardian := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return func(network, address string, conn syscall.RawConn) error {
		if err := guardian.Safe(network, address, conn); err != nil {
			host := address
			if at, parseErr := netip.ParseAddrPort(address); parseErr == nil {
				host = at.Addr().String()
			}
			return &refused{address: host, cause: err}
		}
		return nil
	}
}
