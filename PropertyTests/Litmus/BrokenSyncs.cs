namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that looks at a record and changes it while others do.</summary>
internal readonly struct WithoutLocks : IConnSync
{
    public static bool LocksRecords => false;
}

/// <summary>The broken twin of <see cref="SharedSync"/> that believes that what it has not found is not there.</summary>
internal readonly struct WithoutVersions : IConnSync
{
    public static bool ChecksMisses => false;
}

/// <summary>The broken twin of <see cref="SharedSync"/> that adds a tuple without claiming it.</summary>
internal readonly struct WithoutClaims : IConnSync
{
    public static bool ClaimsTuples => false;
}

/// <summary>The broken twin of <see cref="SharedSync"/> that counts in two instructions.</summary>
internal readonly struct WithoutSwaps : IConnSync
{
    public static bool SwapsCounts => false;
}

/// <summary>The broken twin of <see cref="SharedSync"/> that tells no owner that its connection has ended.</summary>
internal readonly struct WithoutNotes : IConnSync
{
    public static bool LeavesNotes => false;
}

/// <summary>The broken twin of <see cref="SharedSync"/> that takes a record which another thread keeps without asking.</summary>
internal readonly struct WithoutAsking : IConnSync
{
    public static bool AsksKeepers => false;
}
