package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What a member is told to be: group "consumer" for the protocol in which the coordinator assigns, "classic" otherwise.
type settings struct {
	Group    string `json:"group"`
	Topic    string `json:"topic"`
	Pattern  bool   `json:"pattern"`
	Protocol string `json:"protocol"`
	Balancer string `json:"balancer"`
	Instance string `json:"instance"`
}

var balancers = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(), "sticky": kgo.StickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

// What a member owns, told whenever it changes.
type owned struct {
	sync.Mutex
	partitions map[string]bool
}

func names(partitions map[string][]int32) []string {
	list := []string{}
	for topic, numbers := range partitions {
		for _, n := range numbers {
			list = append(list, fmt.Sprintf("%s-%d", topic, n))
		}
	}
	sort.Strings(list)
	return list
}

func (o *owned) change(what string, partitions map[string][]int32) {
	o.Lock()
	defer o.Unlock()
	changed := names(partitions)
	for _, name := range changed {
		if what == "assigned" {
			o.partitions[name] = true
		} else {
			delete(o.partitions, name)
		}
	}
	all := []string{}
	for name := range o.partitions {
		all = append(all, name)
	}
	sort.Strings(all)
	say(map[string]any{what: changed, "owns": all})
}

// A member of a group: tells in lines of JSON what it owns and reads, commits after every poll that brought records, and closes in order when
// its standard input ends.
func member(seeds []string, text string) {
	var s settings
	check(json.Unmarshal([]byte(text), &s))
	o := &owned{partitions: map[string]bool{}}
	tell := func(what string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) { o.change(what, partitions) }
	}
	opts := []kgo.Opt{kgo.SeedBrokers(seeds...), kgo.ConsumerGroup(s.Group), kgo.ConsumeTopics(s.Topic), kgo.Balancers(balancers[s.Balancer]),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.OnPartitionsAssigned(tell("assigned")), kgo.OnPartitionsRevoked(tell("revoked")),
		kgo.OnPartitionsLost(tell("lost")), kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(500 * time.Millisecond),
		kgo.SessionTimeout(3 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond)}
	if s.Pattern {
		opts = append(opts, kgo.ConsumeRegex())
	}
	if s.Protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	if s.Instance != "" {
		opts = append(opts, kgo.InstanceID(s.Instance), kgo.SessionTimeout(20*time.Second))
	}
	client := must(kgo.NewClient(opts...))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		poll(ctx, client)
	}
	client.CloseAllowingRebalance()
}

func poll(ctx context.Context, client *kgo.Client) {
	fetches := client.PollFetches(ctx)
	defer client.AllowRebalance()
	fetches.EachError(func(_ string, _ int32, err error) {
		if !errors.Is(err, context.Canceled) && !kerr.IsRetriable(err) {
			say(map[string]any{"error": err.Error()})
		}
	})
	records := [][]any{}
	fetches.EachRecord(func(r *kgo.Record) {
		records = append(records, []any{fmt.Sprintf("%s-%d", r.Topic, r.Partition), r.Offset, string(r.Value)})
	})
	if len(records) == 0 {
		return
	}
	say(map[string]any{"records": records})
	if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
		say(map[string]any{"error": "commit: " + err.Error()})
	}
}

// What kadm sees of a group without members and does to it; it has committed 10 of both of the topic's partitions.
func groupAdmin(ctx context.Context, seeds []string, group, topic, protocol string) {
	client := kadm.NewClient(must(kgo.NewClient(kgo.SeedBrokers(seeds...))))
	defer client.Close()
	answer := map[string]any{}
	listed := must(client.ListGroups(ctx))[group]
	answer["listed"] = []string{listed.State, listed.ProtocolType}
	if protocol == "consumer" {
		described := must(client.DescribeConsumerGroups(ctx, group))[group]
		check(described.Err)
		answer["described"] = []any{described.State, len(described.Members)}
	} else {
		lags := must(client.Lag(ctx, group)) // asks for groups of the classic protocol only
		check(lags.Error())
		answer["lag"] = lags[group].Lag.Total()
	}
	plain := func() map[string]int64 {
		offsets := map[string]int64{}
		must(client.FetchOffsets(ctx, group)).Each(func(at kadm.OffsetResponse) {
			check(at.Err)
			offsets[fmt.Sprintf("%s-%d", at.Topic, at.Partition)] = at.At
		})
		return offsets
	}
	answer["offsets"] = plain()
	wanted := kadm.Offsets{}
	wanted.AddOffset(topic, 0, 3, -1)
	check(must(client.CommitOffsets(ctx, group, wanted)).Error())
	answer["altered"] = plain()
	removed := must(client.DeleteOffsets(ctx, group, kadm.TopicsSet{topic: {1: {}}}))
	check(removed.Error())
	answer["removed"] = plain()
	_, err := client.DeleteGroup(ctx, group)
	check(err)
	_, err = client.DeleteGroup(ctx, group)
	answer["again"] = errors.Is(err, kerr.GroupIDNotFound)
	say(answer)
}
