/** What of Langflow's own types the seam touches, sketched: the names are Langflow's, the rest is left out. */

/** A node of the canvas. Its id is `<type>-<five letters>`; its title is whatever a person made it. */
export interface AllNodeType {
  id: string;
  data: {
    type: string;
    node: { display_name: string; edited?: boolean };
  };
}

export interface FlowType {
  id: string;
  name: string;
}

/** What a vertex says of one of its outputs, where it failed. */
export interface ErrorLog {
  message: { errorMessage: string; stackTrace: string };
}

/** `build_data` of an `end_vertex`. */
export interface VertexBuildTypeAPI {
  id: string;
  valid: boolean;
  data: {
    /** How long the backend built it, in seconds, with fractions. */
    timedelta?: number;
    /** Not chosen by a branch of the flow: it was never to be built. */
    inactive?: boolean;
    outputs: Record<string, ErrorLog | { message: unknown }>;
  };
  next_vertices_ids: string[] | null;
  inactivated_vertices: string[] | null;
}

/** A line of a build's event stream. */
export type BuildEvent =
  | { event: "vertices_sorted"; data: { ids: string[]; to_run: string[] } }
  | { event: "end_vertex"; data: { build_data: VertexBuildTypeAPI } }
  | { event: "add_message"; data: { text: string } }
  | { event: "error"; data: { text: string } }
  | { event: "end"; data: Record<string, never> };

export interface ConfigResponse {
  auto_saving: boolean;
  /** The backend's DO_NOT_TRACK: a boolean, or the variable's text as it is. New; an older backend has none. */
  do_not_track?: boolean | string;
}

export interface VersionResponse {
  package: string;
  version: string;
}

export interface BuildFlowParams {
  startNodeId?: string;
  stopNodeId?: string;
  /** What a person wrote in the playground; a run from the canvas has none. */
  input_value?: string;
  session?: string;
}

export enum BuildStatus {
  TO_BUILD = "TO_BUILD",
  BUILT = "BUILT",
  INACTIVE = "INACTIVE",
  ERROR = "ERROR",
}
