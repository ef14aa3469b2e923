namespace Mergeflow.Engine.OpenFlow;

/// <summary>A port of one of the bridges of a datapath (OVS <c>struct xport</c>).</summary>
/// <param name="Bridge">Whose.</param>
/// <param name="Port">Which one.</param>
internal readonly record struct BridgePort(OfPipeline Bridge, PipelinePort Port);
