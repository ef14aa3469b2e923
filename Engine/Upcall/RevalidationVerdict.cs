namespace Mergeflow.Engine.Upcall;

/// <summary>What becomes of a megaflow when the tables have changed (OVS <c>enum reval_result</c>).</summary>
public enum RevalidationVerdict
{
    /// <summary>It is as it would be made now.</summary>
    Keep,

    /// <summary>Its packets belong together still, but something else has to be done with them.</summary>
    Modify,

    /// <summary>Its packets no longer belong together, or nothing can be said about them.</summary>
    Delete,
}
