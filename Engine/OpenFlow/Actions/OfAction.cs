namespace Mergeflow.Engine.OpenFlow;

/// <summary>One OpenFlow action or instruction, as parsed from ovs-ofctl text (OVS <c>struct ofpact</c>).</summary>
public abstract record OfAction;
