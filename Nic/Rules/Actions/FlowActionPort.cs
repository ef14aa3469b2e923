namespace Mergeflow.Nic;

/// <summary>Sends the frame as it is now. May occur several times.</summary>
/// <param name="Port">Output port.</param>
public sealed record FlowActionPort(uint Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "port_id";
}
