namespace Mergeflow.Engine.Telemetry;

/// <summary>A poller has thrown.</summary>
/// <param name="DatapathId">Number of the datapath; 0 = it belongs to none.</param>
/// <param name="Poller"><see cref="IPoller.Name"/>.</param>
/// <param name="Exception">What was thrown.</param>
/// <param name="Consequence">What becomes of it, to go on a line behind the poller's name.</param>
public sealed record PollerFailure(int DatapathId, string Poller, Exception Exception, string Consequence)
{
    /// <summary>One line for a log.</summary>
    public string Line => $"{Poller} thread: {Exception.GetType().Name}: {Exception.Message.ReplaceLineEndings(" ")}; it {Consequence}";
}
