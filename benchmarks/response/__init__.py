"""From alarm to rollback, month after month: does an armed policy do the right thing, and how soon?"""
