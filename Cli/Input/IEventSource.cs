namespace Mergeflow.Cli;

/// <summary>Where replay events come from: an event file or a capture.</summary>
public interface IEventSource : IDisposable
{
    /// <summary>The name in messages.</summary>
    string Name { get; }

    /// <summary>How much has been read, 0 to 1; null = nobody knows.</summary>
    double? Part => null;

    /// <summary>Fills <paramref name="next"/> with the next event.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="CommandFailedException">The input cannot be parsed; the message names the line.</exception>
    bool TryRead(ReplayEvent next);
}
