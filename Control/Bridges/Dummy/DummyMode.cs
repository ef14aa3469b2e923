namespace Mergeflow.Control.Bridges;

/// <summary>What ports and datapaths without devices stand for (OVS <c>enum dummy_level</c>).</summary>
public enum DummyMode : byte
{
    /// <summary>There are none.</summary>
    None,

    /// <summary>Types of their own (<c>--enable-dummy</c>).</summary>
    Beside,

    /// <summary>Besides, <c>system</c> is one of them (<c>--enable-dummy=system</c>).</summary>
    System,

    /// <summary>Besides, every type but <c>patch</c> is one of them (<c>--enable-dummy=override</c>).</summary>
    Override,
}
