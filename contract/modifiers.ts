/** Labels and annotations that a platform adds to the objects that are made for its scopes. */

/** Extra labels and annotations of a kind of object. */
export interface ObjectModifier {
  labels?: Record<string, string> | null | undefined;
  annotations?: Record<string, string> | null | undefined;
}

export interface DeploymentModifier extends ObjectModifier {
  /** Kubernetes tolerations, as they stand in a pod spec. */
  tolerations?: Record<string, unknown>[] | null | undefined;
  nodeselector?: Record<string, string> | null | undefined;
}

/** By kind of object; `global` reaches all of them. `secret` has no effect: Groundwork makes none. */
export interface ObjectModifiers {
  global?: ObjectModifier | null | undefined;
  service?: ObjectModifier | null | undefined;
  ingress?: ObjectModifier | null | undefined;
  deployment?: DeploymentModifier | null | undefined;
  secret?: ObjectModifier | null | undefined;
  pdb?: ObjectModifier | null | undefined;
}
