namespace Mergeflow.Native;

/// <summary>File format of a capture.</summary>
public enum CaptureFormat
{
    /// <summary>Classic pcap (draft-ietf-opsawg-pcap).</summary>
    Pcap,

    /// <summary>pcapng (draft-ietf-opsawg-pcapng).</summary>
    Pcapng,
}
