using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Upcall;

/// <summary>Times and habits of a <see cref="Revalidator"/>.</summary>
/// <param name="MaxIdleMs">Idle time in ms after which a megaflow goes (OVS <c>max-idle</c>).</param>
/// <param name="MaxRevalidatorMs">Time in ms after which statistics are pushed and idle megaflows looked for (OVS <c>max-revalidator</c>).</param>
/// <param name="Quirks">Whose answers are repeated.</param>
public sealed record RevalidatorOptions(long MaxIdleMs, long MaxRevalidatorMs, Quirks Quirks);

/// <summary>Why megaflows were deleted or replaced.</summary>
/// <param name="Idle">Unused for the idle time of megaflows.</param>
/// <param name="Changed">A table change gave them other actions or a wider mask.</param>
public readonly record struct RevalidatorStats(ulong Idle, ulong Changed);
