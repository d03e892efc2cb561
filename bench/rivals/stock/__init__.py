"""A chat after the tutorial of Channels: a consumer, the ORM, `group_send` over the Redis channel layer."""
