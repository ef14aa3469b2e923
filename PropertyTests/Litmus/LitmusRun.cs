namespace Mergeflow.PropertyTests;

/// <summary>One run of a protocol from its beginning: what each thread does, and what must hold when all have ended.</summary>
/// <param name="Threads">Each runs on a thread of its own. They call real code, whose accesses are marked by <c>Interleaving</c>, and throw <see cref="LitmusViolation"/>.</param>
/// <param name="AtEnd">Looks at the outcome; throws <see cref="LitmusViolation"/>.</param>
/// <param name="Owned">Disposed after the run.</param>
internal sealed record LitmusRun(IReadOnlyList<Action> Threads, Action? AtEnd = null, IDisposable? Owned = null);
