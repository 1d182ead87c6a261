-- As with "User": what an actor wrote past a position is looked up while nobody leads.
CREATE INDEX "LabRow_origin_position_idx" ON "LabRow" (origin, position);
