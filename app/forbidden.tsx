import { Forbidden } from "@/components/session/forbidden";

/** What forbidden() shows, with 403. */
export default Forbidden;
