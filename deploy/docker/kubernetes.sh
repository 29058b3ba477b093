#!/bin/sh
# Applies our CRDs and the worker's rights, and writes one kubeconfig for people (admin.yaml) and one for the worker
# (worker.yaml: its service account and nothing more). Runs in rancher/k3s; KUBECONFIG is the cluster's own file.
set -eu
PATH="$PATH:/bin/aux"

kubectl apply --server-side -f /deploy/crds
kubectl wait --for condition=Established --timeout 60s -f /deploy/crds
kubectl apply --server-side -f /deploy/rbac

sed 's#https://127.0.0.1:6443#https://k3s:6443#' "$KUBECONFIG" >/output/admin.yaml

kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >/tmp/ca.crt
token=$(kubectl create token groundwork-worker --namespace groundwork --duration 8760h)
rm -f /output/worker.yaml
worker() { kubectl --kubeconfig /output/worker.yaml config "$@" >/dev/null; }
worker set-cluster k3s --server https://k3s:6443 --certificate-authority /tmp/ca.crt --embed-certs=true
worker set-credentials groundwork-worker --token "$token"
worker set-context groundwork --cluster k3s --user groundwork-worker --namespace groundwork
worker use-context groundwork

# The image runs as another user. The volume is seen by these containers only.
chmod 0644 /output/admin.yaml /output/worker.yaml
