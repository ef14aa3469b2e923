namespace Mergeflow.Nic;


/// <summary>What the device reports about a received frame.</summary>
/// <param name="RssHash">Symmetric: both directions of a flow have the same value. 0 for frames without IP.</param>
/// <param name="Flags">Checksum verdicts.</param>
/// <param name="Rule">The rule that took the frame; None on a miss.</param>
public readonly record struct NicRxInfo(uint RssHash, NicRxFlags Flags, NicHandle Rule);
