namespace Mergeflow.Engine.OpenFlow;

/// <summary>How a select group finds its bucket (OVS <c>enum group_selection_method</c>).</summary>
internal enum GroupSelection : byte
{
    /// <summary>Symmetric hash in translation.</summary>
    Symmetric,

    /// <summary>Hash computed by the datapath, then recirculation.</summary>
    DpHash,

    /// <summary>Hash of the given fields in translation.</summary>
    HashFields,
}
