import { consumerGroupDescribeRequest, consumerGroupDescribeResponse } from './messages/consumer-group-describe.ts'
import { consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse } from './messages/consumer-group-heartbeat.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from './messages/offset-delete.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from './messages/delete-groups.ts'
import { listGroupsRequest, listGroupsResponse } from './messages/list-groups.ts'
import { describeGroupsRequest, describeGroupsResponse } from './messages/describe-groups.ts'
import { syncGroupRequest, syncGroupResponse } from './messages/sync-group.ts'
import { leaveGroupRequest, leaveGroupResponse } from './messages/leave-group.ts'
import { heartbeatRequest, heartbeatResponse } from './messages/heartbeat.ts'
import { joinGroupRequest, joinGroupResponse } from './messages/join-group.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './messages/find-coordinator.ts'
import { offsetFetchRequest, offsetFetchResponse } from './messages/offset-fetch.ts'
import { offsetCommitRequest, offsetCommitResponse } from './messages/offset-commit.ts'
import { produceRequest, produceResponse } from './messages/produce.ts'
import { fetchRequest, fetchResponse } from './messages/fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from './messages/list-offsets.ts'
import { metadataRequest, metadataResponse } from './messages/metadata.ts'
import { alterReplicaLogDirsRequest, alterReplicaLogDirsResponse } from './messages/alter-replica-log-dirs.ts'
import { apiVersionsRequest, apiVersionsResponse } from './messages/api-versions.ts'
import { createTopicsRequest, createTopicsResponse } from './messages/create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './messages/delete-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './messages/delete-records.ts'
import { initProducerIdRequest, initProducerIdResponse } from './messages/init-producer-id.ts'
import { offsetForLeaderEpochRequest, offsetForLeaderEpochResponse } from './messages/offset-for-leader-epoch.ts'
import { describeConfigsRequest, describeConfigsResponse } from './messages/describe-configs.ts'
import { alterConfigsRequest, alterConfigsResponse } from './messages/alter-configs.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './messages/describe-log-dirs.ts'
import { createPartitionsRequest, createPartitionsResponse } from './messages/create-partitions.ts'
import { electLeadersRequest, electLeadersResponse } from './messages/elect-leaders.ts'
import { incrementalAlterConfigsRequest, incrementalAlterConfigsResponse } from './messages/incremental-alter-configs.ts'
import { alterPartitionReassignmentsRequest, alterPartitionReassignmentsResponse } from './messages/alter-partition-reassignments.ts'
import { listPartitionReassignmentsRequest, listPartitionReassignmentsResponse } from './messages/list-partition-reassignments.ts'
import { voteRequest, voteResponse } from './messages/vote.ts'
import { beginQuorumEpochRequest, beginQuorumEpochResponse } from './messages/begin-quorum-epoch.ts'
import { endQuorumEpochRequest, endQuorumEpochResponse } from './messages/end-quorum-epoch.ts'
import { describeQuorumRequest, describeQuorumResponse } from './messages/describe-quorum.ts'
import { alterPartitionRequest, alterPartitionResponse } from './messages/alter-partition.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from './messages/update-features.ts'
import { envelopeRequest, envelopeResponse } from './messages/envelope.ts'
import { fetchSnapshotRequest, fetchSnapshotResponse } from './messages/fetch-snapshot.ts'
import { describeClusterRequest, describeClusterResponse } from './messages/describe-cluster.ts'
import { describeProducersRequest, describeProducersResponse } from './messages/describe-producers.ts'
import { brokerRegistrationRequest, brokerRegistrationResponse } from './messages/broker-registration.ts'
import { brokerHeartbeatRequest, brokerHeartbeatResponse } from './messages/broker-heartbeat.ts'
import { unregisterBrokerRequest, unregisterBrokerResponse } from './messages/unregister-broker.ts'
import { allocateProducerIdsRequest, allocateProducerIdsResponse } from './messages/allocate-producer-ids.ts'
import { assignReplicasToDirsRequest, assignReplicasToDirsResponse } from './messages/assign-replicas-to-dirs.ts'
import { controllerRegistrationRequest, controllerRegistrationResponse } from './messages/controller-registration.ts'
import { listConfigResourcesRequest, listConfigResourcesResponse } from './messages/list-config-resources.ts'
import { describeTopicPartitionsRequest, describeTopicPartitionsResponse } from './messages/describe-topic-partitions.ts'
import type { Schema } from './schema.ts'

/** Which kind of listener serves an API. */
export type ListenerKind = 'broker' | 'controller'

export interface Api<Request extends Schema = Schema, Response extends Schema = Schema> {
  readonly key: number
  readonly name: string
  readonly request: Request
  readonly response: Response
  readonly listeners: readonly ListenerKind[]
  /** The versions that are served: those of the schema, less any that Kafka 4.3.1 calls unstable. */
  readonly versionMin: number
  readonly versionMax: number
}

function api<Request extends Schema, Response extends Schema>(
  key: number,
  name: string,
  request: Request,
  response: Response,
  listeners: readonly ListenerKind[],
  versionMin: number,
  versionMax: number,
): Api<Request, Response> {
  return { key, name, request, response, listeners, versionMin, versionMax }
}

/** Every API that is implemented, by its name in Kafka. What is not in here is not advertised. */
export const apis = {
  produce: api(0, 'Produce', produceRequest, produceResponse, ['broker'], 3, 13),
  fetch: api(1, 'Fetch', fetchRequest, fetchResponse, ['broker', 'controller'], 4, 18),
  listOffsets: api(2, 'ListOffsets', listOffsetsRequest, listOffsetsResponse, ['broker'], 1, 11),
  metadata: api(3, 'Metadata', metadataRequest, metadataResponse, ['broker'], 0, 13),
  offsetCommit: api(8, 'OffsetCommit', offsetCommitRequest, offsetCommitResponse, ['broker'], 2, 10),
  offsetFetch: api(9, 'OffsetFetch', offsetFetchRequest, offsetFetchResponse, ['broker'], 1, 10),
  findCoordinator: api(10, 'FindCoordinator', findCoordinatorRequest, findCoordinatorResponse, ['broker'], 0, 6),
  joinGroup: api(11, 'JoinGroup', joinGroupRequest, joinGroupResponse, ['broker'], 0, 9),
  heartbeat: api(12, 'Heartbeat', heartbeatRequest, heartbeatResponse, ['broker'], 0, 4),
  leaveGroup: api(13, 'LeaveGroup', leaveGroupRequest, leaveGroupResponse, ['broker'], 0, 5),
  syncGroup: api(14, 'SyncGroup', syncGroupRequest, syncGroupResponse, ['broker'], 0, 5),
  describeGroups: api(15, 'DescribeGroups', describeGroupsRequest, describeGroupsResponse, ['broker'], 0, 6),
  listGroups: api(16, 'ListGroups', listGroupsRequest, listGroupsResponse, ['broker'], 0, 5),
  apiVersions: api(18, 'ApiVersions', apiVersionsRequest, apiVersionsResponse, ['broker', 'controller'], 0, 4),
  createTopics: api(19, 'CreateTopics', createTopicsRequest, createTopicsResponse, ['broker', 'controller'], 2, 7),
  deleteTopics: api(20, 'DeleteTopics', deleteTopicsRequest, deleteTopicsResponse, ['broker', 'controller'], 1, 6),
  deleteRecords: api(21, 'DeleteRecords', deleteRecordsRequest, deleteRecordsResponse, ['broker'], 0, 2),
  initProducerId: api(22, 'InitProducerId', initProducerIdRequest, initProducerIdResponse, ['broker'], 0, 5),
  offsetForLeaderEpoch: api(23, 'OffsetForLeaderEpoch', offsetForLeaderEpochRequest, offsetForLeaderEpochResponse, ['broker'], 2, 4),
  describeConfigs: api(32, 'DescribeConfigs', describeConfigsRequest, describeConfigsResponse, ['broker', 'controller'], 1, 4),
  alterConfigs: api(33, 'AlterConfigs', alterConfigsRequest, alterConfigsResponse, ['broker', 'controller'], 0, 2),
  alterReplicaLogDirs: api(34, 'AlterReplicaLogDirs', alterReplicaLogDirsRequest, alterReplicaLogDirsResponse, ['broker'], 1, 2),
  describeLogDirs: api(35, 'DescribeLogDirs', describeLogDirsRequest, describeLogDirsResponse, ['broker'], 1, 5),
  createPartitions: api(37, 'CreatePartitions', createPartitionsRequest, createPartitionsResponse, ['broker', 'controller'], 0, 3),
  deleteGroups: api(42, 'DeleteGroups', deleteGroupsRequest, deleteGroupsResponse, ['broker'], 0, 2),
  electLeaders: api(43, 'ElectLeaders', electLeadersRequest, electLeadersResponse, ['broker', 'controller'], 0, 2),
  incrementalAlterConfigs: api(
    44,
    'IncrementalAlterConfigs',
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
    ['broker', 'controller'],
    0,
    1,
  ),
  alterPartitionReassignments: api(
    45,
    'AlterPartitionReassignments',
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
    ['broker', 'controller'],
    0,
    1,
  ),
  listPartitionReassignments: api(
    46,
    'ListPartitionReassignments',
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
    ['broker', 'controller'],
    0,
    0,
  ),
  offsetDelete: api(47, 'OffsetDelete', offsetDeleteRequest, offsetDeleteResponse, ['broker'], 0, 0),
  vote: api(52, 'Vote', voteRequest, voteResponse, ['controller'], 0, 2),
  beginQuorumEpoch: api(53, 'BeginQuorumEpoch', beginQuorumEpochRequest, beginQuorumEpochResponse, ['controller'], 0, 1),
  endQuorumEpoch: api(54, 'EndQuorumEpoch', endQuorumEpochRequest, endQuorumEpochResponse, ['controller'], 0, 1),
  describeQuorum: api(55, 'DescribeQuorum', describeQuorumRequest, describeQuorumResponse, ['broker', 'controller'], 0, 2),
  alterPartition: api(56, 'AlterPartition', alterPartitionRequest, alterPartitionResponse, ['controller'], 2, 3),
  updateFeatures: api(57, 'UpdateFeatures', updateFeaturesRequest, updateFeaturesResponse, ['broker', 'controller'], 0, 2),
  envelope: api(58, 'Envelope', envelopeRequest, envelopeResponse, ['controller'], 0, 0),
  fetchSnapshot: api(59, 'FetchSnapshot', fetchSnapshotRequest, fetchSnapshotResponse, ['controller'], 0, 1),
  describeCluster: api(60, 'DescribeCluster', describeClusterRequest, describeClusterResponse, ['broker', 'controller'], 0, 2),
  describeProducers: api(61, 'DescribeProducers', describeProducersRequest, describeProducersResponse, ['broker'], 0, 0),
  brokerRegistration: api(62, 'BrokerRegistration', brokerRegistrationRequest, brokerRegistrationResponse, ['controller'], 0, 4),
  brokerHeartbeat: api(63, 'BrokerHeartbeat', brokerHeartbeatRequest, brokerHeartbeatResponse, ['controller'], 0, 2),
  unregisterBroker: api(64, 'UnregisterBroker', unregisterBrokerRequest, unregisterBrokerResponse, ['broker', 'controller'], 0, 0),
  allocateProducerIds: api(67, 'AllocateProducerIds', allocateProducerIdsRequest, allocateProducerIdsResponse, ['controller'], 0, 0),
  consumerGroupHeartbeat: api(
    68,
    'ConsumerGroupHeartbeat',
    consumerGroupHeartbeatRequest,
    consumerGroupHeartbeatResponse,
    ['broker'],
    0,
    1,
  ),
  consumerGroupDescribe: api(69, 'ConsumerGroupDescribe', consumerGroupDescribeRequest, consumerGroupDescribeResponse, ['broker'], 0, 1),
  controllerRegistration: api(
    70,
    'ControllerRegistration',
    controllerRegistrationRequest,
    controllerRegistrationResponse,
    ['controller'],
    0,
    0,
  ),
  assignReplicasToDirs: api(73, 'AssignReplicasToDirs', assignReplicasToDirsRequest, assignReplicasToDirsResponse, ['controller'], 0, 0),
  listConfigResources: api(74, 'ListConfigResources', listConfigResourcesRequest, listConfigResourcesResponse, ['broker'], 0, 1),
  describeTopicPartitions: api(
    75,
    'DescribeTopicPartitions',
    describeTopicPartitionsRequest,
    describeTopicPartitionsResponse,
    ['broker'],
    0,
    0,
  ),
} as const

export type ApiName = keyof typeof apis

export const apiByKey: ReadonlyMap<number, Api> = new Map(Object.values(apis).map((it): [number, Api] => [it.key, it]))
