using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>A packet that is there cannot be treated as a rule wants (OVS <c>xlate_report_error</c>).</summary>
/// <param name="Bridge">In whose tables.</param>
/// <param name="Text">Why.</param>
/// <param name="Flow">The packet as the datapath has it at that moment.</param>
/// <param name="PacketType">Its type: namespace in the upper half, number in the lower; 0 = Ethernet.</param>
public sealed record TranslationComplaint(OfPipeline Bridge, string Text, PipelineFlow Flow, uint PacketType);
