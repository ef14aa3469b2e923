namespace Mergeflow.Nic;


/// <summary>How much of a field the device can match or write.</summary>
public enum MatchSupport : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>All of its bits or none of them.</summary>
    Exact,

    /// <summary>Any bits.</summary>
    Masked,
}
