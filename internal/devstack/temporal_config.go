package devstack

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
)

const (
	temporalDatabase   = "temporal"
	visibilityDatabase = "temporal_visibility"
	// historyShards is fixed when the databases are made: four do for one machine.
	historyShards = 4
	// Each of the four services keeps its own pools: 4 x (25 + 5) of Postgres's 200 connections.
	temporalConnections   = 25
	visibilityConnections = 5
	clusterName           = "active"
)

// serverConfig is the static configuration of a one-machine server.
func serverConfig(options temporalOptions) (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	services, err := temporalServices(options)
	if err != nil {
		return nil, nil, err
	}
	main, err := sqlConfig(options.DatabaseURL, temporalDatabase, temporalConnections)
	if err != nil {
		return nil, nil, err
	}
	visibility, err := sqlConfig(options.DatabaseURL, visibilityDatabase, visibilityConnections)
	if err != nil {
		return nil, nil, err
	}
	frontend := address(options.Port)
	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 10 * time.Second, BroadcastAddress: loopback}},
		Persistence: config.Persistence{
			DefaultStore: temporalDatabase, VisibilityStore: visibilityDatabase, NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{temporalDatabase: {SQL: main}, visibilityDatabase: {SQL: visibility}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History: config.HistoryArchival{State: "disabled"}, Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: frontend},
	}, staticHosts(services), nil
}

// temporalServices gives the frontend its ports and every other service one that is free.
func temporalServices(options temporalOptions) (map[string]config.Service, error) {
	free, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	at := func(port, http int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, HTTPPort: http, BindOnIP: loopback}}
	}
	return map[string]config.Service{
		string(primitives.FrontendService): at(options.Port, options.HTTPPort),
		string(primitives.HistoryService):  at(free[0], 0),
		string(primitives.MatchingService): at(free[1], 0),
		string(primitives.WorkerService):   at(free[2], 0),
	}, nil
}

// sqlConfig turns a connection string into Temporal's terms, for another database on the same
// server. Where to connect goes into the attributes, which win over the address: a Unix
// socket's folder fits there.
func sqlConfig(databaseURL, database string, connections int) (*config.SQL, error) {
	parsed, err := connectionConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	if u, err := url.Parse(databaseURL); err == nil {
		for name, values := range maps.All(u.Query()) {
			if !strings.HasPrefix(name, "pool_") { // pgxpool's own: Postgres doesn't know them
				attributes[name] = values[len(values)-1]
			}
		}
	}
	delete(attributes, "dbname")
	delete(attributes, "database")
	attributes["host"], attributes["port"] = parsed.Host, strconv.Itoa(int(parsed.Port))
	delete(attributes, "user")
	delete(attributes, "password")
	return &config.SQL{
		PluginName: postgresql.PluginNamePGX, DatabaseName: database,
		ConnectAddr: loopback, ConnectProtocol: "tcp", ConnectAttributes: attributes,
		User: url.PathEscape(parsed.User), Password: parsed.Password,
		MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}, nil
}

// connectionConfig reads a connection string, without what it may set for pgxpool alone (pool_*).
func connectionConfig(databaseURL string) (*pgx.ConnConfig, error) {
	pool, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	return pool.ConnConfig, nil
}

// connect opens one connection to a database.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	settings, err := connectionConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, settings)
}

// dynamicConfig lifts the limits that are meant for shared clusters. One partition for each
// task queue: the forwarder between partitions is limited to ten tasks a second.
func dynamicConfig() dynamicconfig.Client {
	const plenty = 100_000
	return dynamicconfig.StaticClient{
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():           1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key():          1,
		dynamicconfig.MatchingEnableFairness.Key():                       true,
		dynamicconfig.MatchingRPS.Key():                                  plenty,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                    plenty,
		dynamicconfig.TimerProcessorMaxTimeShift.Key():                   50 * time.Millisecond, // a pause of 100 ms is one, not a second
		dynamicconfig.HistoryRPS.Key():                                   plenty,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     plenty,
		dynamicconfig.FrontendRPS.Key():                                  plenty,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    plenty,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           plenty,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 1_000,
		dynamicconfig.WorkflowExecutionMaxTotalUpdates.Key():             plenty, // a callback or a decision for each item of each step
		dynamicconfig.WorkflowExecutionMaxInFlightUpdates.Key():          1_000,
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key():      true,
		dynamicconfig.EnableCHASMSchedulerCreation.Key():                 false,
	}
}
