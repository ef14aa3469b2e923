namespace Mergeflow.Engine.Upcall;

/// <summary>Why megaflows were deleted or replaced.</summary>
/// <param name="Idle">Unused for the idle time of megaflows.</param>
/// <param name="Changed">A table change gave them other actions or a wider mask.</param>
public readonly record struct RevalidatorStats(ulong Idle, ulong Changed);
