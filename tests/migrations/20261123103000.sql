-- A save that ended a rule.
INSERT INTO role_change_rules (change_id, rule_id, did)
    SELECT '00000000-0000-0000-0000-00000000001c', id, 'taken' FROM grant_rules LIMIT 1;
