namespace Mergeflow.Engine.OpenFlow;

/// <summary>A tunnel port and where it is.</summary>
/// <param name="Bridge">Whose it is.</param>
/// <param name="Port">The port.</param>
/// <param name="DatapathPort">The port of the datapath at which packets of its kind are decapsulated.</param>
internal readonly record struct TunnelPlace(OfPipeline Bridge, PipelinePort Port, uint DatapathPort)
{
    /// <summary>What is behind the port.</summary>
    public TunnelPort Tunnel => Port.Tunnel!;
}
