# The journal's topics. Where the brokers ask for TLS or a login: --command-config FILE.
# What they must be, or they are refused:
#   cleanup.policy delete: compaction would drop records that nobody has read
#   retention.ms at least as below, or -1: records would go before their time
#   retention.bytes -1: a busy day would drop records that nobody has read
#   min.insync.replicas at least as below: one broker's loss would lose acknowledged uploads
#   unclean.leader.election.enable false: a stale replica would drop acknowledged uploads
#   max.message.bytes at least as below: large reports would be refused
#   message.timestamp.type CreateTime: a record's time is when its upload was received

kafka-topics.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --create --topic uploads --partitions 48 --replication-factor 3 \
    --config cleanup.policy=delete \
    --config retention.ms=2592000000 \
    --config retention.bytes=-1 \
    --config min.insync.replicas=2 \
    --config unclean.leader.election.enable=false \
    --config max.message.bytes=9437184 \
    --config message.timestamp.type=CreateTime

kafka-topics.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --create --topic notifications --partitions 48 --replication-factor 3 \
    --config cleanup.policy=delete \
    --config retention.ms=3196800000 \
    --config retention.bytes=-1 \
    --config min.insync.replicas=2 \
    --config unclean.leader.election.enable=false \
    --config max.message.bytes=9437184 \
    --config message.timestamp.type=CreateTime

kafka-topics.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --create --topic dead-letters --partitions 48 --replication-factor 3 \
    --config cleanup.policy=delete \
    --config retention.ms=7776000000 \
    --config retention.bytes=-1 \
    --config min.insync.replicas=2 \
    --config unclean.leader.election.enable=false \
    --config max.message.bytes=9437184 \
    --config message.timestamp.type=CreateTime
