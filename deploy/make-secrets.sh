#!/bin/sh
# Makes the secret files that docker-compose.yml names, with random passwords; what is there stays as it is.
#
#   OPENAI_API_KEY=... sh deploy/make-secrets.sh [FOLDER]      default FOLDER: secrets
#
# The folder is its owner's alone. The files in it can be read by everybody who gets there, since each stands
# alone inside the containers, whose users are not you.
set -eu
folder=${1:-secrets}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

keep() { # keep NAME TEXT: a file of that name, unless there is one
  [ -e "$folder/$1" ] && return
  printf '%s\n' "$2" >"$folder/$1.new"
  chmod 444 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
  echo "made $folder/$1"
}

mkdir -p "$folder"
chmod 700 "$folder"

# Each password stands in two files: they are made together or not at all.
if [ ! -e "$folder/farm_database_url" ] && [ ! -e "$folder/postgres_password" ]; then
  password=$(random)
  keep postgres_password "$password"
  keep farm_database_url "postgresql://farm:$password@postgres:5432/farm"
fi
if [ ! -e "$folder/farm_redis_url" ] && [ ! -e "$folder/valkey_users" ]; then
  password=$(random)
  # What the farm may do there is explained in docs/redis.md; `health` may ask whether the server answers.
  keep valkey_users "user default off
user health on nopass resetkeys resetchannels -@all +ping
user farm on >$password resetkeys ~rq:* ~farm:* resetchannels &rq:* -@all \
+hello +auth +ping +info +client|setname +client|setinfo +client|info +multi +exec +discard \
+evalsha +script|load +publish +subscribe +unsubscribe \
+exists +type +del +rename +expire +ttl +pexpire +pttl +get +set \
+hset +hget +hgetall +hmget +hexists +hincrby +sadd +srem +smembers +scard \
+lpush +rpush +lpop +blpop +llen +lrange +ltrim +zadd +zrem +zcard +zcount +zrange \
+zrangebyscore +zremrangebyscore"
  keep farm_redis_url "redis://farm:$password@valkey:6379/0"
fi
keep farm_web_operator_token "$(random)"
keep farm_web_reader_token "$(random)" # with it, Prometheus reads the metrics
keep grafana_admin_password "$(random)"
keep openai_api_key "${OPENAI_API_KEY:-}"
