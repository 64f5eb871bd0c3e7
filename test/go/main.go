// A program of franz-go clients, unmodified: idempotent producing, direct consuming of partitions, administration, members of groups. Prints one
// line of JSON; a member prints many, and ends with its standard input.
//
//	franz produce BOOTSTRAP TOPIC PARTITION COUNT CODEC
//	franz consume BOOTSTRAP TOPIC PARTITION FROM COUNT
//	franz admin BOOTSTRAP TOPIC
//	franz member BOOTSTRAP SETTINGS
//	franz group-admin BOOTSTRAP GROUP TOPIC PROTOCOL
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const patience = 30 * time.Second

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(value any) {
	fmt.Println(string(must(json.Marshal(value))))
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(ctx context.Context, seeds []string, topic string, partition int32, count int, codec string) {
	client := must(kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner())))
	defer client.Close()
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Key: []byte(fmt.Sprintf("key-%d", i)), Value: []byte(fmt.Sprintf("value-%d", i)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(strconv.Itoa(i))}}}
	}
	results := client.ProduceSync(ctx, records...)
	check(results.FirstErr())
	say(map[string]any{"acknowledged": len(results), "first": results[0].Record.Offset, "last": results[len(results)-1].Record.Offset})
}

func consume(ctx context.Context, seeds []string, topic string, partition int32, from int64, count int) {
	client := must(kgo.NewClient(kgo.SeedBrokers(seeds...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}})))
	defer client.Close()
	type record struct {
		Offset  int64  `json:"offset"`
		Key     string `json:"key"`
		Value   string `json:"value"`
		Headers int    `json:"headers"`
		Epoch   int32  `json:"leaderEpoch"`
	}
	var read []record
	for len(read) < count {
		fetches := client.PollFetches(ctx)
		check(fetches.Err0())
		fetches.EachError(func(_ string, _ int32, err error) { check(err) })
		fetches.EachRecord(func(r *kgo.Record) {
			read = append(read, record{r.Offset, string(r.Key), string(r.Value), len(r.Headers), r.LeaderEpoch})
		})
	}
	say(read)
}

// Creates, describes, grows, configures and deletes a topic, and asks for brokers, offsets and log directories on the way.
func admin(ctx context.Context, seeds []string, topic string) {
	client := kadm.NewClient(must(kgo.NewClient(kgo.SeedBrokers(seeds...))))
	defer client.Close()
	answer := map[string]any{}
	value := "60000"
	created := must(client.CreateTopic(ctx, 3, 3, map[string]*string{"retention.ms": &value}, topic))
	check(created.Err)
	metadata := must(client.Metadata(ctx, topic))
	brokers := []int32{}
	for _, b := range metadata.Brokers {
		brokers = append(brokers, b.NodeID)
	}
	sort.Slice(brokers, func(a, b int) bool { return brokers[a] < brokers[b] })
	answer["brokers"] = brokers
	answer["cluster"] = metadata.Cluster
	answer["sameId"] = metadata.Topics[topic].ID == created.ID
	answer["partitions"] = len(metadata.Topics[topic].Partitions)
	grown := must(client.UpdatePartitions(ctx, 5, topic))
	check(grown[topic].Err)
	altered := must(client.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, topic))
	for _, one := range altered {
		check(one.Err)
	}
	var configs kadm.ResourceConfigs
	for start := time.Now(); time.Since(start) < patience; time.Sleep(20 * time.Millisecond) {
		configs = must(client.DescribeTopicConfigs(ctx, topic))
		if valueOf(configs[0], "max.message.bytes") == value && len(must(client.Metadata(ctx, topic)).Topics[topic].Partitions) == 5 {
			break
		}
	}
	answer["retention"] = valueOf(configs[0], "retention.ms")
	answer["maxMessage"] = valueOf(configs[0], "max.message.bytes")
	answer["grown"] = len(must(client.Metadata(ctx, topic)).Topics[topic].Partitions)
	ends := must(client.ListEndOffsets(ctx, topic))
	check(ends.Error())
	answer["ends"] = len(ends[topic])
	dirs := must(client.DescribeAllLogDirs(ctx, nil))
	dirs.Each(func(dir kadm.DescribedLogDir) { check(dir.Err) })
	answer["logDirs"] = len(dirs)
	deleted := must(client.DeleteTopic(ctx, topic))
	check(deleted.Err)
	gone := false // in the eyes of one broker: the next may hear of it a moment later
	for start := time.Now(); time.Since(start) < patience && !gone; time.Sleep(20 * time.Millisecond) {
		gone = !must(client.ListTopics(ctx)).Has(topic)
	}
	answer["gone"] = gone
	say(answer)
}

func valueOf(resource kadm.ResourceConfig, name string) string {
	for _, config := range resource.Configs {
		if config.Key == name {
			return config.MaybeValue()
		}
	}
	return ""
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := os.Args[1:]
	number := func(i int) int { return must(strconv.Atoi(args[i])) }
	seeds := strings.Split(args[1], ",")
	switch args[0] {
	case "produce":
		produce(ctx, seeds, args[2], int32(number(3)), number(4), args[5])
	case "consume":
		consume(ctx, seeds, args[2], int32(number(3)), int64(number(4)), number(5))
	case "admin":
		admin(ctx, seeds, args[2])
	case "member":
		member(seeds, args[2])
	case "group-admin":
		groupAdmin(ctx, seeds, args[2], args[3], args[4])
	default:
		fmt.Fprintln(os.Stderr, "no command", args[0])
		os.Exit(2)
	}
}
