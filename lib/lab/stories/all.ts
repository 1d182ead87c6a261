import { BOTH_SIDES } from "./both-sides";
import { KILL_VIRGINIA } from "./kill-virginia";
import { OLD_LEADER } from "./old-leader";
import type { StoryId } from "./progress";
import type { Story } from "./story";

export const STORIES: Readonly<Record<StoryId, Story>> = {
  "kill-virginia": KILL_VIRGINIA,
  "both-sides": BOTH_SIDES,
  "old-leader": OLD_LEADER,
};
