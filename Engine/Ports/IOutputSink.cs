namespace Mergeflow.Engine.Ports;

/// <summary>Where the simulator's transmitted frames go.</summary>
public interface IOutputSink
{
    /// <summary>One frame left on <paramref name="port"/> because of the event; the span is valid during the call only.</summary>
    void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame);
}
