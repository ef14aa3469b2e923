namespace Mergeflow.Control.OpenFlow;

/// <summary>Version of the protocol, as the first byte of each message says it (<c>OFP*_VERSION</c>).</summary>
public enum OfVersion : byte
{
    /// <summary>OpenFlow 1.0.</summary>
    V10 = 1,

    /// <summary>OpenFlow 1.1.</summary>
    V11,

    /// <summary>OpenFlow 1.2.</summary>
    V12,

    /// <summary>OpenFlow 1.3.</summary>
    V13,

    /// <summary>OpenFlow 1.4.</summary>
    V14,

    /// <summary>OpenFlow 1.5.</summary>
    V15,
}
