-- This version adds columns and an index, and no table.
UPDATE orders SET up_for_renewal = true, step_up = false;
