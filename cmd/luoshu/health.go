package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"luoshu/catalog"
)

// healthTimeout bounds a check; a container runtime asks every few seconds.
const healthTimeout = 3 * time.Second

func newHealth(env environment, c *common) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use: "health", Short: "Ask a running server on this machine whether it is ready",
		Long: `Asks /readyz of the server at --addr and succeeds when it holds a verified
release. For a container's health check.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := readiness(addr)
			if err != nil {
				return err
			}
			if err := askServer(cmd.Context(), url); err != nil {
				return err
			}
			printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{ZH: "就绪", EN: "ready"})
			return nil
		},
	}
	cmd.Flags().StringVar(&addr, "addr", defaultAddr, "address the server listens on")
	return cmd
}

// readiness returns where a server that listens on addr says on this machine whether it is
// ready.
func readiness(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usage("--addr：%v", "--addr: %v", err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// askServer asks whether a server answers 200 at url.
func askServer(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: healthTimeout}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %w", url, res.Status, catalog.ErrUnavailable)
	}
	return nil
}
