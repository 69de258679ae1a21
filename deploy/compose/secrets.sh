#!/bin/sh
# Makes the passwords of docker-compose.yml: one file each in deploy/compose/secrets/, which git ignores.
# What is there stays, so that running it again only adds what is new.
# The folder is its owner's alone; the files are readable, because Compose mounts them as they are and
# each container reads its own as another user.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 0700 "$folder"

names="postgres grafana keycloak"
for service in registry employment solar matching; do
    for role in owner app self public worker; do
        names="$names ${service}_$role"
    done
done

made=0
for name in $names; do
    [ -s "$folder/$name" ] && continue
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/.new"
    chmod 0444 "$folder/.new"
    mv -f "$folder/.new" "$folder/$name"
    made=$((made + 1))
done
echo "$made passwords made in $folder"
